#include <fstream>
#include <set>

#include "data_batch.hpp"
#include "data_batches.hpp"
#include "dcme/instance_map.hpp"
#include "in_mode.hpp"
#include "seeded_random.hpp"
#include "turned_jpeg.hpp"

#if __has_include(<host_waits.hpp>)
#include <host_waits.hpp>
#define COUNTS_HOST_WAITS
#endif

namespace dcme_test {
namespace {

TEST(DCMEData, GivesImageVectorsGridClassesAndIds) {
  const DataSet set(2);
  auto layer = data_layer(set.parameters("batch_size: 2"));
  layer.layer->Forward(layer.bottom, layer.top);
  EXPECT_EQ(layer.top[kData]->shape(), (std::vector<int>{2, 1, 24, 40}));
  EXPECT_EQ(layer.top[kVectors]->shape(), (std::vector<int>{2, 2, 24, 40}));
  EXPECT_EQ(layer.top[kGrid]->shape(), (std::vector<int>{2, 1, 3, 5}));
  EXPECT_EQ(layer.top[kIds]->shape(), (std::vector<int>{2, 1, 24, 40}));
  for (int n = 0; n < 2; ++n) {
    expect_equal(ids_of(layer, n), random_ids(24, 40, n));
    expect_image_of_ids(layer, n);
    expect_labels_of_ids(layer, n);
  }
}

TEST(DCMEData, ColourComesAsBlueGreenRed) {
  const DataSet set(1);
  cv::imwrite(set.folder / "image0.png", cv::Mat(24, 40, CV_8UC3, cv::Scalar(10, 20, 30)));
  auto layer = data_layer(set.parameters("is_color: true"), "phase: TEST", 2);
  layer.layer->Forward(layer.bottom, layer.top);
  ASSERT_EQ(layer.top[kData]->channels(), 3);
  for (int c = 0; c < 3; ++c) EXPECT_EQ(layer.top[kData]->data_at(0, c, 5, 5), 10 * (c + 1));
  auto without_mean =
      data_layer(set.parameters("is_color: true"),
                 "transform_param { mean_value: 1 mean_value: 2 mean_value: 3 }", 2);
  without_mean.layer->Forward(without_mean.bottom, without_mean.top);
  for (int c = 0; c < 3; ++c) EXPECT_EQ(without_mean.top[kData]->data_at(0, c, 5, 5), 9 * (c + 1));
}

TEST(DCMEData, PicturesAreNotTurnedByTheirExif) {
  const DataSet set(1);
  caffe_test::write_turned_jpeg(set.folder / "image0.png", image_of(random_ids(24, 40, 0)), 6);
  ASSERT_EQ(cv::imread(set.folder / "image0.png").size(), cv::Size(24, 40)) << "OpenCV turns it";
  auto layer = data_layer(set.parameters(""));
  EXPECT_EQ(layer.top[kData]->shape(), (std::vector<int>{1, 1, 24, 40}));
}

TEST(DCMEData, AListMayBeginWithAByteOrderMark) {
  const DataSet set(1);
  std::ofstream(set.folder / "list.txt", std::ios::trunc) << "\xef\xbb\xbfimage0.png ids0.png\r\n";
  auto layer = data_layer(set.parameters(""));
  layer.layer->Forward(layer.bottom, layer.top);
  expect_image_of_ids(layer, 0);
}

TEST(DCMEData, AListMayNameFilesByTheirWholePaths) {
  const DataSet set(1);
  std::ofstream(set.folder / "list.txt", std::ios::trunc)
      << (set.folder / "image0.png") << " ids0.png\n";
  auto layer = data_layer(set.parameters(""));
  layer.layer->Forward(layer.bottom, layer.top);
  expect_image_of_ids(layer, 0);
}

TEST(DCMEData, ReducesByTheProtocol) {
  const DataSet set(1, 48, 80);
  auto layer = data_layer(set.parameters("new_height: 24 new_width: 40"));
  layer.layer->Forward(layer.bottom, layer.top);
  cv::Mat full = random_ids(48, 80, 0), ids(24, 40, CV_16U), image;
  dcme::reduce_ids({full.ptr<uint16_t>(), 48, 80}, {ids.ptr<uint16_t>(), 24, 40});
  cv::resize(image_of(full), image, cv::Size(40, 24), 0, 0, cv::INTER_AREA);
  image.convertTo(image, CV_32F);
  expect_equal(ids_of(layer, 0), ids);
  expect_equal(plane(*layer.top[kData], 0), image);
  expect_labels_of_ids(layer, 0);
}

TEST(DCMEData, SubtractsTheMeanThenScales) {
  const DataSet set(1);
  auto layer =
      data_layer(set.parameters(""), "phase: TEST transform_param { mean_value: 100 scale: 0.5 }");
  layer.layer->Forward(layer.bottom, layer.top);
  cv::Mat expected;
  image_of(random_ids(24, 40, 0)).convertTo(expected, CV_32F, 0.5, -50);
  expect_equal(plane(*layer.top[kData], 0), expected, 1e-5);
}

TEST(DCMEData, SubtractsAMeanImage) {
  const DataSet set(1);
  caffe::BlobProto mean;
  for (const int dim : {1, 1, 24, 40}) mean.mutable_shape()->add_dim(dim);
  for (int i = 0; i < 24 * 40; ++i) mean.add_data(i % 50);
  caffe::BlobProto of_doubles = mean;
  of_doubles.mutable_double_data()->Add(mean.data().begin(), mean.data().end());
  of_doubles.clear_data();
  for (const caffe::BlobProto& stored : {mean, of_doubles}) {
    std::ofstream(set.folder / "mean.binaryproto", std::ios::binary) << stored.SerializeAsString();
    auto layer = data_layer(set.parameters(""), "phase: TEST transform_param { mean_file: \"" +
                                                    (set.folder / "mean.binaryproto") + "\" }");
    layer.layer->Forward(layer.bottom, layer.top);
    const cv::Mat image = image_of(random_ids(24, 40, 0));
    for (int i = 0; i < 24 * 40; ++i) {
      ASSERT_EQ(layer.top[kData]->cpu_data()[i], image.data[i] - i % 50);
    }
  }
}

TEST(DCMEData, AnchorAndRoundingAreThoseOfTheCore) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("anchor: BOX_CENTRE round_centre: true"));
  layer.layer->Forward(layer.bottom, layer.top);
  cv::Mat ids = random_ids(24, 40, 0), dx(24, 40, CV_32F), dy(24, 40, CV_32F);
  dcme::encode({ids.ptr<uint16_t>(), 24, 40}, {dx.ptr<float>(), 24, 40}, {dy.ptr<float>(), 24, 40},
               dcme::Anchor::kBox, true);
  expect_equal(plane(*layer.top[kVectors], 0, 0), dx);
  expect_equal(plane(*layer.top[kVectors], 0, 1), dy);
}

const char kAllRandom[] =
    "batch_size: 3 shuffle: true rotate: true crop_height: 16 crop_width: 16 min_zoom: 0.8 "
    "max_zoom: 1.3 brightness: 0.2 contrast: 0.2 rand_skip: 5 ";

TEST(DCMEData, InTestingNothingIsLeftToChance) {
  const DataSet set(1, 24, 24);
  const std::string changes =
      "rotate: true min_zoom: 0.8 max_zoom: 1.3 brightness: 0.2 contrast: 0.2 ";
  auto layer = data_layer(set.parameters(changes + "crop_height: 16 crop_width: 16"),
                          "phase: TEST transform_param { mirror: true }");
  for (int b = 0; b < 8; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    expect_equal(ids_of(layer, 0), random_ids(24, 24, 0)(cv::Rect(4, 4, 16, 16)));
    expect_image_of_ids(layer, 0);
  }
}

TEST(DCMEData, AnyOrderOfTheImagesCanCome) {
  std::set<std::vector<int>> orders;
  for (int seed = 0; seed < 100; ++seed) {
    orders.insert(dcme::permutation(3, dcme::SeededRandom(seed, 0, 0)));
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST(DCMEData, BatchesDependOnTheSeedAloneNotOnThreads) {
  const DataSet set(7);
  auto one = data_layer(set.parameters(std::string(kAllRandom) + "seed: 9 threads: 1"));
  auto many =
      data_layer(set.parameters(std::string(kAllRandom) + "seed: 9 threads: 4 prefetch: 7"));
  auto other = data_layer(set.parameters(std::string(kAllRandom) + "seed: 10"));
  const Values expected = batches(&one, 9);
  EXPECT_EQ(batches(&many, 9), expected);
  EXPECT_NE(batches(&other, 9), expected);
}

TEST(DCMEData, TheSeedComesFromCaffesRandomNumbers) {
  const DataSet set(7);
  Values drawn[3];
  for (int run = 0; run < 3; ++run) {
    caffe::Caffe::set_random_seed(run < 2 ? 4 : 5);
    auto layer = data_layer(set.parameters(kAllRandom));
    drawn[run] = batches(&layer, 2);
  }
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_NE(drawn[0], drawn[2]);
}

TEST(DCMEData, ShowsEveryImageOnceAPassAndShufflesAnew) {
  const DataSet set(6);
  auto layer = data_layer(set.parameters("shuffle: true seed: 2"));
  std::set<std::vector<Values>> orders;
  for (int pass = 0; pass < 4; ++pass) {
    std::vector<Values> order;
    for (int b = 0; b < 6; ++b) {
      layer.layer->Forward(layer.bottom, layer.top);
      order.push_back(values(*layer.top[kIds]));
    }
    orders.insert(order);
    EXPECT_EQ(std::set<Values>(order.begin(), order.end()).size(), 6u);
  }
  EXPECT_GT(orders.size(), 1u);
}

// With which of six images a solver begins, for eight seeds; it goes on with the next of its own.
std::set<size_t> first_images(int solvers, int rank) {
  const DataSet set(6);
  auto whole = data_layer(set.parameters(""));
  std::vector<Values> order;
  for (int b = 0; b < 6; ++b) order.push_back(batches(&whole, 1));
  std::set<size_t> firsts;
  for (const std::string seed : {"1", "2", "3", "4", "5", "6", "7", "8"}) {
    caffe::Caffe::set_solver_count(solvers);
    caffe::Caffe::set_solver_rank(rank);
    auto layer = data_layer(set.parameters("rand_skip: 3 seed: " + seed));
    caffe::Caffe::set_solver_count(1);
    caffe::Caffe::set_solver_rank(0);
    const size_t first = std::find(order.begin(), order.end(), batches(&layer, 1)) - order.begin();
    firsts.insert(first);
    for (int b = 1; b < 8; ++b) EXPECT_EQ(batches(&layer, 1), order[(first + b * solvers) % 6]);
  }
  return firsts;
}

TEST(DCMEData, SkipsAsManyImagesAsTheSeedSays) {
  EXPECT_EQ(first_images(1, 0), (std::set<size_t>{0, 1, 2}));
}

// Their seeds differ: each skips images of its own, or two would read the same ones for ever.
TEST(DCMEData, ParallelSolversSkipWithinTheirShares) {
  EXPECT_EQ(first_images(2, 0), (std::set<size_t>{0, 2, 4}));
  EXPECT_EQ(first_images(2, 1), (std::set<size_t>{1, 3, 5}));
}

TEST(DCMEData, ParallelSolversShareTheBatches) {
  const DataSet set(6);
  auto single = data_layer(set.parameters("seed: 2"));
  Values expected = batches(&single, 4), interleaved;
  caffe::Caffe::set_solver_count(2);
  std::vector<LayerCase<float>> layers;
  for (int rank = 0; rank < 2; ++rank) {
    caffe::Caffe::set_solver_rank(rank);
    layers.push_back(data_layer(set.parameters("seed: 2")));
  }
  caffe::Caffe::set_solver_count(1);
  caffe::Caffe::set_solver_rank(0);
  for (int b = 0; b < 4; ++b) {
    const Values batch = batches(&layers[b % 2], 1);
    interleaved.insert(interleaved.end(), batch.begin(), batch.end());
  }
  EXPECT_EQ(interleaved, expected);
}

TEST(DCMEData, SolversDoNotShareTheImagesOfATest) {
  const DataSet set(6);
  auto single = data_layer(set.parameters(""), "phase: TEST");
  const Values expected = batches(&single, 4);
  caffe::Caffe::set_solver_count(2);
  auto of_root = data_layer(set.parameters(""), "phase: TEST");
  caffe::Caffe::set_solver_count(1);
  EXPECT_EQ(batches(&of_root, 4), expected);
}

TEST(DCMEData, CanBeSetUpAgainWhileItsThreadsAreAtWork) {
  const DataSet set(6);
  auto layer = data_layer(set.parameters("threads: 4 prefetch: 8"));
  const Values expected = batches(&layer, 2);
  for (int i = 0; i < 20; ++i) {
    layer.layer->SetUp(layer.bottom, layer.top);
    ASSERT_EQ(batches(&layer, 2), expected);
  }
}

#ifdef CAFFE_HAS_LAYER_STATE
TEST(DCMEData, ContinuesFromASavedState) {
  const DataSet set(7);
  // In a pass of which the other layer has an order of its own already, and in a later one.
  for (const int taken : {1, 5}) {
    auto layer = data_layer(set.parameters(kAllRandom));
    batches(&layer, taken);
    caffe::LayerState state;
    layer.layer->SaveState(&state);
    const Values expected = batches(&layer, 4);
    auto restored = data_layer(set.parameters(kAllRandom));
    batches(&restored, 1);
    restored.layer->RestoreState(state);
    EXPECT_EQ(batches(&restored, 4), expected);
  }
}
#endif

TEST(DCMEData, InDoubleGivesTheSameValues) {
  const DataSet set(5);
  const std::string own = set.parameters(std::string(kAllRandom) + "seed: 9");
  auto single = data_layer(own);
  LayerCase<double> layer(layer_parameter("DCMEData", own, "phase: TRAIN"), 4);
  layer.layer->SetUp(layer.bottom, layer.top);
  for (int b = 0; b < 4; ++b) {
    single.layer->Forward(single.bottom, single.top);
    layer.layer->Forward(layer.bottom, layer.top);
    for (const Top top : {kData, kVectors, kGrid, kIds}) {
      const double* found = layer.top[top]->cpu_data();
      EXPECT_EQ(Values(found, found + layer.top[top]->count()), values(*single.top[top]));
    }
  }
}

TEST(DCMEData, BatchesThatNobodyWaitedForAreNotWrittenOver) {
  const DataSet set(7);
  const std::string own = set.parameters(std::string(kAllRandom) + "seed: 9 prefetch: 1");
  auto read_at_once = data_layer(own), layer = data_layer(own);
  std::vector<std::unique_ptr<Blob<float>>> kept;
  for (int b = 0; b < 9; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    for (const Blob<float>* top : layer.top) {
      kept.push_back(std::make_unique<Blob<float>>());
      kept.back()->CopyFrom(*top, false, true);  // on a GPU only queued
    }
  }
  Values found;
  for (const auto& blob : kept) {
    const Values some = values(*blob);
    found.insert(found.end(), some.begin(), some.end());
  }
  EXPECT_EQ(found, batches(&read_at_once, 9));
}

TEST(DCMEData, RunsInAnotherModeThanItWasSetUpIn) {
  const DataSet set(5);
  const std::string own = set.parameters(std::string(kAllRandom) + "seed: 9");
  auto same = data_layer(own), layer = data_layer(own);
  const Values expected = batches(&same, 6);
  Values found = batches(&layer, 3);
  const caffe_test::InMode in_cpu_mode(caffe::Caffe::CPU);
  const Values rest = batches(&layer, 3);
  found.insert(found.end(), rest.begin(), rest.end());
  EXPECT_EQ(found, expected);
}

TEST(DCMEData, BatchesAreUploadedBeforeTheirTurn) {
  const bool gpu = caffe::Caffe::mode() == caffe::Caffe::GPU;
  dcme::DataBatch<float> batch;
  batch.reshape({{2, 3}, {5}});
  for (const int i : {0, 1}) batch.blob(i)->mutable_cpu_data()[0] = 1;
  batch.upload();
  for (const int i : {0, 1}) {
    EXPECT_EQ(batch.blob(i)->data()->head(),
              gpu ? caffe::SyncedMemory::SYNCED : caffe::SyncedMemory::HEAD_AT_CPU);
  }
  EXPECT_EQ(batch.blob(2), nullptr);
}

#ifdef COUNTS_HOST_WAITS
TEST(DCMEData, NobodyWaitsForABatchThatIsReady) {
  if (caffe::Caffe::mode() != caffe::Caffe::GPU) GTEST_SKIP() << "about the GPU's queue";
  const DataSet set(7);
  auto layer = data_layer(set.parameters(kAllRandom));
  layer.layer->Forward(layer.bottom, layer.top);
  const int before = emulated_cuda::HostWaits();
  for (int b = 0; b < 3; ++b) {
    layer.layer->Forward(layer.bottom, layer.top);
    for (const Blob<float>* top : layer.top) EXPECT_TRUE(top->gpu_data());
  }
  EXPECT_EQ(emulated_cuda::HostWaits(), before);
}
#endif

TEST(DCMEData, OwnLabelsAndPriorityMakeTheGridClasses) {
  const DataSet set(1);
  // Persons are class 1 and cars class 2; cars go first where both are in a block.
  auto layer = data_layer(set.parameters("label: 24 label: 26 priority: 2 priority: 1"));
  layer.layer->Forward(layer.bottom, layer.top);
  const cv::Mat ids = ids_of(layer, 0);
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 5; ++c) {
      int expected = 0;
      const cv::Mat block = ids(cv::Rect(8 * c, 8 * r, 8, 8));
      for (int i = 0; i < 64; ++i) {
        const int label = block.at<uint16_t>(i / 8, i % 8) / 1000;
        if (label == 26) expected = 2;
        if (label == 24 && expected == 0) expected = 1;
      }
      EXPECT_EQ(layer.top[kGrid]->data_at(0, 0, r, c), expected);
    }
  }
}

TEST(DCMEData, IgnoredLabelsAreBackground) {
  const DataSet set(1);
  auto layer = data_layer(set.parameters("label: 24 ignored_label: 26"), "phase: TEST");
  layer.layer->Forward(layer.bottom, layer.top);
  const cv::Mat ids = ids_of(layer, 0);
  const cv::Mat dx = plane(*layer.top[kVectors], 0, 0);
  for (int i = 0; i < 24 * 40; ++i) {
    if (ids.at<uint16_t>(i / 40, i % 40) / 1000 != 24) {
      ASSERT_EQ(dx.at<float>(i / 40, i % 40), 0);
    }
  }
}

}  // namespace
}  // namespace dcme_test
