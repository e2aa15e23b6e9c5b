// Layers that are no variants of Caffe's: declared, registered and run as in files of their own.

#include <string>
#include <vector>

#include "caffe/layers/neuron_layer.hpp"
#include "caffe/layers/power_layer.hpp"
#include "caffe/layers/recurrent_layer.hpp"
#include "caffe/net.hpp"
#include "caffe/util/math_functions.hpp"
#include "foreign.hpp"

namespace caffe {

template <typename Dtype>
class LayersOfOnesOwn : public OneToOne<Dtype> {};
TYPED_TEST_SUITE(LayersOfOnesOwn, FloatAndDouble, );

// y = x^2 in place or not, declared and registered as in a file of its own.
template <typename Dtype>
class SquareLayer : public NeuronLayer<Dtype> {
 public:
  explicit SquareLayer(const LayerParameter& param) : NeuronLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "Square"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  virtual void Forward_gpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top);
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom);
  virtual void Backward_gpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom);
};

template <typename Dtype>
void SquareLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  caffe_sqr(bottom[0]->count(), bottom[0]->cpu_data(), top[0]->mutable_cpu_data());
}

template <typename Dtype>
void SquareLayer<Dtype>::Backward_cpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  if (!propagate_down[0]) return;
  const int count = bottom[0]->count();
  caffe_mul(count, top[0]->cpu_diff(), bottom[0]->cpu_data(), bottom[0]->mutable_cpu_diff());
  caffe_scal(count, Dtype(2), bottom[0]->mutable_cpu_diff());
}

#ifdef CPU_ONLY
STUB_GPU(SquareLayer);
#else
template <typename Dtype>
void SquareLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                     const vector<Blob<Dtype>*>& top) {
  Forward_cpu(bottom, top);
}
template <typename Dtype>
void SquareLayer<Dtype>::Backward_gpu(const vector<Blob<Dtype>*>& top,
                                      const vector<bool>& propagate_down,
                                      const vector<Blob<Dtype>*>& bottom) {
  Backward_cpu(top, propagate_down, bottom);
}
#endif

INSTANTIATE_CLASS(SquareLayer);
REGISTER_LAYER_CLASS(Square);

// Registered by a creator, which changes the parameters.
template <typename Dtype>
class HalvingLayer : public PowerLayer<Dtype> {
 public:
  explicit HalvingLayer(const LayerParameter& param) : PowerLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "Halving"; }
};

template <typename Dtype>
shared_ptr<Layer<Dtype>> MakeHalvingLayer(const LayerParameter& param) {
  LayerParameter changed(param);
  changed.mutable_power_param()->set_scale(0.5);
  return shared_ptr<Layer<Dtype>>(new HalvingLayer<Dtype>(changed));
}
REGISTER_LAYER_CREATOR(Halving, MakeHalvingLayer);

// The name is taken in this runtime, but was free in Caffe 1.0.
template <typename Dtype>
class NoInterpLayer : public NeuronLayer<Dtype> {
 public:
  explicit NoInterpLayer(const LayerParameter& param) : NeuronLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "Interp"; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) {
    caffe_copy(bottom[0]->count(), bottom[0]->cpu_data(), top[0]->mutable_cpu_data());
  }
  virtual void Backward_cpu(const vector<Blob<Dtype>*>&, const vector<bool>&,
                            const vector<Blob<Dtype>*>&) {
    NOT_IMPLEMENTED;
  }
};

template <typename Dtype>
shared_ptr<Layer<Dtype>> MakeInterpLayer(const LayerParameter& param) {
  return shared_ptr<Layer<Dtype>>(new NoInterpLayer<Dtype>(param));
}
REGISTER_LAYER_CREATOR(Interp, MakeInterpLayer);

TYPED_TEST(LayersOfOnesOwn, MayHaveTheNameOfALayerThatCaffeLacked) {
  LayerParameter param;
  param.set_type("Interp");
  const shared_ptr<Layer<TypeParam>> layer = LayerRegistry<TypeParam>::CreateLayer(param);
  EXPECT_TRUE(dynamic_cast<NoInterpLayer<TypeParam>*>(layer.get()));
  // Once: then it is as taken as any other name.
  EXPECT_THROW(LayerRegistry<TypeParam>::AddCreator("Interp", MakeHalvingLayer<TypeParam>), Error);
  EXPECT_THROW(LayerRegistry<TypeParam>::AddCreator("Pooling", MakeHalvingLayer<TypeParam>), Error);
}

TYPED_TEST(LayersOfOnesOwn, RegisterThemselvesAndRunInNets) {
  Net<TypeParam> net(FromText<NetParameter>(
      "force_backward: true layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 3 "
      "} } } layer { name: 's' type: 'Square' bottom: 'x' top: 's' } layer { name: 'h' type: "
      "'Halving' bottom: 's' top: 's' } layer { name: 'sum' type: 'Reduction' bottom: 's' top: "
      "'sum' loss_weight: 1 }"));
  for (int i = 0; i < 3; ++i) net.input_blobs()[0]->mutable_cpu_data()[i] = i + 1;
  EXPECT_NEAR(7, net.ForwardBackward(), 1e-5);
  this->ExpectValues({1, 2, 3}, net.input_blobs()[0]->cpu_diff());
  EXPECT_STREQ("Square", net.layer_by_name("s")->type());
}

// s_t = cont_t s_{t-1} + x_t, from layers that exist, step by step.
template <typename Dtype>
class RunningSumLayer : public RecurrentLayer<Dtype> {
 public:
  explicit RunningSumLayer(const LayerParameter& param) : RecurrentLayer<Dtype>(param) {}
  virtual inline const char* type() const { return "RunningSum"; }

 protected:
  virtual void RecurrentInputBlobNames(vector<string>* names) const { names->assign(1, "s_0"); }
  virtual void RecurrentInputShapes(vector<BlobShape>* shapes) const {
    const int num_output = this->layer_param_.recurrent_param().num_output();
    shapes->assign(1, BlobShape());
    (*shapes)[0].add_dim(1);
    (*shapes)[0].add_dim(this->N_);
    (*shapes)[0].add_dim(num_output);
  }
  virtual void RecurrentOutputBlobNames(vector<string>* names) const {
    names->assign(1, "s_" + format_int(this->T_));
  }
  virtual void OutputBlobNames(vector<string>* names) const { names->assign(1, "s"); }
  virtual void FillUnrolledNet(NetParameter* net_param) const {
    vector<BlobShape> shapes;
    RecurrentInputShapes(&shapes);
    LayerParameter* input = net_param->add_layer();
    input->set_type("Input");
    input->set_name("s_0");
    input->add_top("s_0");
    *input->mutable_input_param()->add_shape() = shapes[0];
    LayerParameter* slice_x = AddSlice("x", net_param);
    LayerParameter* slice_cont = AddSlice("cont", net_param);
    LayerParameter concat;
    concat.set_type("Concat");
    concat.set_name("s");
    concat.add_top("s");
    concat.mutable_concat_param()->set_axis(0);
    for (int t = 1; t <= this->T_; ++t) {
      const string now = format_int(t), last = format_int(t - 1);
      slice_x->add_top("x_" + now);
      slice_cont->add_top("cont_" + now);
      LayerParameter* keep = net_param->add_layer();
      keep->set_type("Scale");
      keep->set_name("keep_" + now);
      keep->add_bottom("s_" + last);
      keep->add_bottom("cont_" + now);
      keep->add_top("kept_" + now);
      keep->mutable_scale_param()->set_axis(0);
      LayerParameter* add = net_param->add_layer();
      add->set_type("Eltwise");
      add->set_name("add_" + now);
      add->add_bottom("kept_" + now);
      add->add_bottom("x_" + now);
      add->add_top("s_" + now);
      concat.add_bottom("s_" + now);
    }
    *net_param->add_layer() = concat;
  }

 private:
  LayerParameter* AddSlice(const string& blob, NetParameter* net_param) const {
    LayerParameter* slice = net_param->add_layer();
    slice->set_type("Slice");
    slice->set_name(blob + "_slice");
    slice->add_bottom(blob);
    slice->mutable_slice_param()->set_axis(0);
    return slice;
  }
};

TYPED_TEST(LayersOfOnesOwn, RecurrentLayersDescribeTheirSteps) {
  this->Put({3, 1, 2}, {1, 10, 2, 20, 3, 30}, this->bottom_.get());
  Blob<TypeParam> cont(std::vector<int>{3, 1});
  const TypeParam flags[] = {0, 1, 1};
  caffe_copy(3, flags, cont.mutable_cpu_data());
  this->bottom_vec_.push_back(&cont);
  LayerParameter param;
  param.mutable_recurrent_param()->set_num_output(2);
  RunningSumLayer<TypeParam> layer(param);
  layer.SetUp(this->bottom_vec_, this->top_vec_);
  layer.Forward(this->bottom_vec_, this->top_vec_);
  this->ExpectValues({1, 10, 3, 30, 6, 60}, this->top_->cpu_data());
  cont.mutable_cpu_data()[0] = 1;  // goes on
  layer.Forward(this->bottom_vec_, this->top_vec_);
  this->ExpectValues({7, 70, 9, 90, 12, 120}, this->top_->cpu_data());
  layer.Reset();
  layer.Forward(this->bottom_vec_, this->top_vec_);
  this->ExpectValues({1, 10, 3, 30, 6, 60}, this->top_->cpu_data());
}

}  // namespace caffe
