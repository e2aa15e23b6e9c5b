#include "caffe/layers/dummy_data_layer.hpp"

namespace caffe {

namespace {

// How the sizes and fillers of a prototxt are spread over the tops.
bool OneOrEach(int given, int tops) { return given == 1 || given == tops; }

BlobShape LegacyShape(const DummyDataParameter& param, int top) {
  BlobShape shape;
  shape.add_dim(param.num(param.num_size() == 1 ? 0 : top));
  shape.add_dim(param.channels(param.channels_size() == 1 ? 0 : top));
  shape.add_dim(param.height(param.height_size() == 1 ? 0 : top));
  shape.add_dim(param.width(param.width_size() == 1 ? 0 : top));
  return shape;
}

}  // namespace

template <typename Dtype>
void DummyDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                       const vector<Blob<Dtype>*>& top) {
  const DummyDataParameter& param = this->layer_param_.dummy_data_param();
  const int tops = static_cast<int>(top.size());
  const bool legacy =
      param.num_size() + param.channels_size() + param.height_size() + param.width_size() > 0;
  if (legacy) {
    CHECK_EQ(param.shape_size(), 0) << ": give `shape`, or num, channels, height and width";
    CHECK(OneOrEach(param.num_size(), tops) && OneOrEach(param.channels_size(), tops) &&
          OneOrEach(param.height_size(), tops) && OneOrEach(param.width_size(), tops))
        << "num, channels, height and width: give one of each for all " << tops
        << " tops, or one for each top";
  } else {
    CHECK(OneOrEach(param.shape_size(), tops))
        << param.shape_size() << " shapes for " << tops << " tops: give one, or one for each";
  }
  const int fillers = param.data_filler_size();
  CHECK(fillers == 0 || OneOrEach(fillers, tops))
      << fillers << " data_filler for " << tops << " tops: give none, one, or one for each";

  fillers_.clear();
  refill_.clear();
  for (int i = 0; i < std::max(fillers, 1); ++i) {
    const FillerParameter filler = fillers ? param.data_filler(i) : FillerParameter();
    fillers_.emplace_back(GetFiller<Dtype>(filler));
    refill_.push_back(filler.type() != "constant");
  }
  for (int i = 0; i < tops; ++i) {
    top[i]->Reshape(legacy ? LegacyShape(param, i) : param.shape(param.shape_size() == 1 ? 0 : i));
    if (!refill_[FillerOf(i)]) fillers_[FillerOf(i)]->Fill(top[i]);
  }
}

template <typename Dtype>
void DummyDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                        const vector<Blob<Dtype>*>& top) {
  for (size_t i = 0; i < top.size(); ++i) {
    if (refill_[FillerOf(i)]) fillers_[FillerOf(i)]->Fill(top[i]);
  }
}

INSTANTIATE_CLASS(DummyDataLayer);
REGISTER_LAYER_CLASS(DummyData);

}  // namespace caffe
