#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <opencv2/imgcodecs.hpp>

#include "caffe/util/db.hpp"
#include "runtime/data_source.hpp"
#include "runtime/files.hpp"
#include "turned_jpeg.hpp"

using caffe::Caffe;
using caffe::Datum;
using caffe_test::DataSource;
using caffe_test::TemporaryFolder;
using caffe_test::Values;
using caffe_test::ValuesOf;
using caffe_test::Write;

namespace {

// A PNG of two pixels, 0 and 1, with a palette: black and dark red.
const char kPalettePng[] =
    "\x89PNG\x0d\x0a\x1a\x0a"
    "\0\0\0\x0dIHDR\0\0\0\x02\0\0\0\x01\x01\x03\0\0\0\xce\xec\xed\xc9"
    "\0\0\0\x06PLTE\0\0\0\x80\0\0\x44R\xa2O"
    "\0\0\0\x0aIDATx\xda\x63p\0\0\0\x42\0\x41\x84\xbf\x8e\x62"
    "\0\0\0\0IEND\xae\x42`\x82";

// One of 6 x 4 pixels 1 in a palette of black, grey and a red that no pixel has.
const char kGrayOfAPalette[] =
    "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x06"
    "\x00\x00\x00\x04\x02\x03\x00\x00\x00\xd0\x6a\xa6\xd0\x00\x00\x00\x09\x50\x4c\x54"
    "\x45\x00\x00\x00\x80\x80\x80\x80\x00\x00\x20\x59\xe0\x31\x00\x00\x00\x0f\x49\x44"
    "\x41\x54\x78\x9c\x63\x0c\xfd\xcd\xc4\xc0\x00\x41\x00\x0d\xb1\x01\x58\x50\xfe\x5d"
    "\x8c\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";

// Five images of one colour each, their number, in a list and in an LMDB.
class Images : public ::testing::Test {
 protected:
  static constexpr int kImages = 5;

  void SetUp() override {
    std::unique_ptr<caffe::db::DB> database(caffe::db::GetDB("lmdb"));
    database->Open(folder / "lmdb", caffe::db::NEW);
    const std::unique_ptr<caffe::db::Transaction> records(database->NewTransaction());
    std::string list;
    std::string dense;
    for (int i = 0; i < kImages; ++i) {
      const std::string name = "image " + std::to_string(i) + ".png";
      cv::Mat image(4, 6, CV_8UC3, cv::Scalar(i, i + 100, i + 200));
      // Tells left from right.
      image.col(0) = cv::Scalar(0, 0, 0);
      cv::imwrite(folder / name, image);
      cv::imwrite(folder / (std::to_string(i) + "_labels.png"),
                  cv::Mat(4, 6, CV_8UC1, cv::Scalar(i)));
      list += name + " " + std::to_string(i) + "\n";
      dense += name + " " + std::to_string(i) + "_labels.png\n";
      Datum datum;
      caffe::ReadImageToDatum(folder / name, i, &datum);
      records->Put(std::to_string(i), datum.SerializeAsString());
    }
    records->Commit();
    Write(folder / "list.txt", list);
    Write(folder / "dense.txt", dense);
  }

  void TearDown() override {
    Caffe::set_solver_count(1);
    Caffe::set_solver_rank(0);
  }

  std::string Listed(const std::string& more = "", const std::string& transform = "") const {
    return "type: 'ImageData' transform_param { " + transform + " } image_data_param { source: '" +
           (folder / "list.txt") + "' root_folder: '" + folder.path() + "/' " + more + " }";
  }
  std::string Lmdb(const std::string& more, const std::string& transform = "") const {
    return "type: 'Data' transform_param { " + transform +
           " } data_param { backend: LMDB source: '" + (folder / "lmdb") + "' " + more + " }";
  }
  std::string Dense(const std::string& more) const {
    return "type: 'DenseImageData' dense_image_data_param { source: '" + (folder / "dense.txt") +
           "' root_folder: '" + folder.path() + "/' " + more + " }";
  }

  TemporaryFolder folder;
};

}  // namespace

TEST_F(Images, AreReadInOrderAndOverAgain) {
  const Values expected = {0, 1, 2, 3, 4, 0, 1, 2, 3};
  for (const std::string& layer : {Listed("batch_size: 3"), Lmdb("batch_size: 3")}) {
    DataSource source(layer, 2);
    EXPECT_EQ(source.top(0).shape(), (std::vector<int>{3, 3, 4, 6}));
    EXPECT_EQ(source.top(1).shape(), (std::vector<int>{3}));
    EXPECT_EQ(source.Labels(3), expected);
    // Image 3 in the last batch: blue, green, red, at the right of the black column.
    EXPECT_EQ(source.top(0).data_at(2, 0, 1, 1), 3);
    EXPECT_EQ(source.top(0).data_at(2, 1, 1, 1), 103);
    EXPECT_EQ(source.top(0).data_at(2, 2, 1, 1), 203);
    EXPECT_EQ(source.top(0).data_at(2, 2, 1, 0), 0);
  }
}

TEST_F(Images, AreShuffledAnewInEachPass) {
  DataSource source(Listed("batch_size: 5 shuffle: true"), 2);
  std::set<Values> orders;
  for (int pass = 0; pass < 4; ++pass) {
    Values order = source.Labels(1);
    orders.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (Values{0, 1, 2, 3, 4}));
  }
  EXPECT_GT(orders.size(), 1u);
}

TEST_F(Images, RepeatForTheSameSeed) {
  const std::string layer = Listed("batch_size: 2 shuffle: true rand_skip: 3", "mirror: true");
  DataSource one(layer, 2, 7);
  DataSource two(layer, 2, 7);
  for (int i = 0; i < 6; ++i) {
    one.Forward();
    two.Forward();
    EXPECT_EQ(ValuesOf(one.top(0)), ValuesOf(two.top(0)));
    EXPECT_EQ(ValuesOf(one.top(1)), ValuesOf(two.top(1)));
  }
  EXPECT_NE(DataSource(layer, 2, 7).Labels(4), DataSource(layer, 2, 8).Labels(4));
}

TEST_F(Images, GoOnFromAStateAsIfNeverStopped) {
  const std::string layers[] = {Listed("batch_size: 2 shuffle: true", "mirror: true"),
                                Lmdb("batch_size: 2 rand_skip: 4", "crop_size: 3"),
                                Dense("batch_size: 2 mirror: true")};
  for (const std::string& layer : layers) {
    // In the first pass, and behind passes that a database need not be walked through.
    for (const int batches : {1, 4, 23}) {
      DataSource source(layer + " phase: TRAIN", 2);
      source.Labels(batches);
      caffe::LayerState state;
      source.layer().SaveState(&state);
      DataSource restored(layer + " phase: TRAIN", 2, 99);
      restored.layer().RestoreState(state);
      for (int i = 0; i < 4; ++i) {
        source.Forward();
        restored.Forward();
        EXPECT_EQ(ValuesOf(source.top(0)), ValuesOf(restored.top(0)));
        EXPECT_EQ(ValuesOf(source.top(1)), ValuesOf(restored.top(1)));
      }
      // Backwards in the same layer, too.
      source.layer().RestoreState(state);
      restored.layer().RestoreState(state);
      EXPECT_EQ(source.Labels(2), restored.Labels(2));
    }
  }
}

TEST_F(Images, AreDividedAmongSolvers) {
  for (const std::string& layer : {Listed("batch_size: 2"), Lmdb("batch_size: 2")}) {
    Caffe::set_solver_count(3);
    Caffe::set_solver_rank(1);
    EXPECT_EQ(DataSource(layer + " phase: TRAIN", 2).Labels(2), (Values{1, 4, 2, 0}));
    EXPECT_EQ(DataSource(layer + " phase: TEST", 2).Labels(2), (Values{0, 1, 2, 3}));
  }
}

// Solvers' seeds differ: each skips images of its own, or two would read the same ones for ever.
TEST_F(Images, AreSkippedWithinASolversShare) {
  for (const std::string& layer :
       {Listed("batch_size: 1 rand_skip: 2"), Lmdb("batch_size: 1 rand_skip: 2"),
        Dense("batch_size: 1 rand_skip: 2")}) {
    for (const int rank : {0, 1}) {
      Caffe::set_solver_count(2);
      Caffe::set_solver_rank(rank);
      std::set<float> firsts;
      for (unsigned seed = 1; seed <= 8; ++seed) {
        firsts.insert(DataSource(layer + " phase: TRAIN", 2, seed).Labels(1)[0]);
      }
      EXPECT_EQ(firsts, (std::set<float>{rank + 0.f, rank + 2.f})) << layer;
    }
  }
}

TEST_F(Images, AreResizedAndMadeGray) {
  DataSource source(Listed("new_height: 7 new_width: 9 is_color: false"), 2);
  EXPECT_EQ(source.top(0).shape(), (std::vector<int>{1, 1, 7, 9}));
}

TEST_F(Images, WithLabelImagesCropAndMirrorBoth) {
  DataSource source(Dense("batch_size: 2 crop_height: 2 crop_width: 3"), 2);
  EXPECT_EQ(source.top(0).shape(), (std::vector<int>{2, 3, 2, 3}));
  EXPECT_EQ(source.top(1).shape(), (std::vector<int>{2, 1, 2, 3}));
  source.Forward();
  EXPECT_EQ(source.top(1).data_at(1, 0, 1, 2), 1);
  EXPECT_EQ(source.top(0).data_at(1, 2, 1, 2), 201);
}

TEST_F(Images, ThatAreMissingOrDamagedAreNamedByForward) {
  Write(folder / "image 2.png", "no image");
  std::filesystem::remove(folder / "3_labels.png");
  DataSource damaged(Listed("batch_size: 2"), 2);
  damaged.Forward();
  EXPECT_ERROR_NAMES(damaged.Forward(), folder / "image 2.png");
  EXPECT_ERROR_NAMES(damaged.Forward(), folder / "image 2.png");
  std::filesystem::copy_file(folder / "image 1.png", folder / "image 2.png",
                             std::filesystem::copy_options::overwrite_existing);
  DataSource missing(Dense("batch_size: 1"), 2);
  for (int i = 0; i < 3; ++i) missing.Forward();
  EXPECT_ERROR_NAMES(missing.Forward(), folder / "3_labels.png");
}

// Decoders fill up with grey what such a file lacks.
TEST_F(Images, ThatWereCutOffAreNamedByForward) {
  cv::Mat noise(40, 60, CV_8UC3);
  cv::randu(noise, 0, 255);
  for (const std::string name : {"cut.jpg", "cut.png"}) {
    cv::imwrite(folder / name, noise);
    const std::string whole = caffe_test::Contents(folder / name);
    Write(folder / "list.txt", name + " 0\n");
    Write(folder / "dense.txt", "image 0.png " + name + "\n");
    // What stands behind the end is of no harm.
    Write(folder / name, whole + "more");
    DataSource(Listed("batch_size: 1"), 2).Forward();
    Write(folder / name, whole.substr(0, whole.size() / 2));
    EXPECT_ERROR_NAMES(DataSource(Listed("batch_size: 1"), 2), folder / name);
    EXPECT_ERROR_NAMES(DataSource(Dense("batch_size: 1"), 2).Forward(), folder / name);
    Datum datum;
    EXPECT_FALSE(caffe::ReadImageToDatum(folder / name, 0, &datum));
    ASSERT_TRUE(caffe::ReadFileToDatum(folder / name, 0, &datum));
    EXPECT_FALSE(caffe::DecodeDatumNative(&datum));
  }
}

// Turned by its EXIF data, an image would not lie on its labels any more.
TEST_F(Images, WithLabelImagesAreTakenAsTheyAreStored) {
  cv::Mat bright_left(16, 16, CV_8UC1, cv::Scalar(0));
  bright_left.colRange(0, 8) = cv::Scalar(200);
  cv::imwrite(folder / "left.png", bright_left);
  caffe_test::write_turned_jpeg(folder / "turned.jpg", bright_left, 3);
  ASSERT_EQ(cv::imread(folder / "turned.jpg").at<cv::Vec3b>(3, 12), cv::Vec3b(200, 200, 200))
      << "OpenCV turns it";
  for (const std::string pair : {"turned.jpg left.png\n", "left.png turned.jpg\n"}) {
    Write(folder / "dense.txt", pair);
    DataSource source(Dense("batch_size: 1"), 2);
    source.Forward();
    for (int top = 0; top < 2; ++top) {
      EXPECT_EQ(source.top(top).data_at(0, 0, 3, 3), 200) << pair << top;
      EXPECT_EQ(source.top(top).data_at(0, 0, 3, 12), 0) << pair << top;
    }
  }
}

// The luminance of a colour is the number of no class.
TEST_F(Images, OfLabelsAreGray) {
  Write(folder / "dense.txt", "image 0.png colour.png\n");
  cv::Mat labels(4, 6, CV_8UC3, cv::Scalar(7, 7, 7));
  cv::imwrite(folder / "colour.png", labels);
  EXPECT_EQ(DataSource(Dense("batch_size: 1"), 2).Labels(1), Values(24, 7));
  labels.at<cv::Vec3b>(3, 5) = cv::Vec3b(7, 7, 8);
  cv::imwrite(folder / "colour.png", labels);
  EXPECT_ERROR_NAMES(DataSource(Dense("batch_size: 1"), 2).Forward(),
                     (folder / "colour.png") + " is in colour, but labels are gray values");
  for (const std::string& png : {std::string(kPalettePng, sizeof(kPalettePng) - 1),
                                 std::string(kGrayOfAPalette, sizeof(kGrayOfAPalette) - 1)}) {
    Write(folder / "colour.png", png);
    EXPECT_ERROR_NAMES(DataSource(Dense("batch_size: 1"), 2).Forward(), "is in colour");
  }
  cv::imwrite(folder / "colour.png", cv::Mat(4, 6, CV_16UC3, cv::Scalar(300, 300, 300)));
  EXPECT_EQ(DataSource(Dense("batch_size: 1"), 2).Labels(1), Values(24, 300));
}

TEST_F(Images, OfDifferentSizesDoNotMakeABatch) {
  cv::imwrite(folder / "image 1.png", cv::Mat(5, 6, CV_8UC3, cv::Scalar(0, 0, 0)));
  EXPECT_ERROR_NAMES(DataSource(Listed("batch_size: 2"), 2).Forward(), "image 1.png");
  DataSource single(Listed("batch_size: 1"), 2);
  single.Forward();
  single.Forward();
  EXPECT_EQ(single.top(0).height(), 5);
}

TEST_F(Images, OfADamagedRecordAreNamedByForward) {
  {
    std::unique_ptr<caffe::db::DB> database(caffe::db::GetDB("lmdb"));
    database->Open(folder / "lmdb", caffe::db::WRITE);
    const std::unique_ptr<caffe::db::Transaction> records(database->NewTransaction());
    records->Put("1", "\xff\xff no datum");
    Datum liar;
    liar.set_channels(3);
    liar.set_height(4);
    liar.set_width(6);
    liar.set_data("short");
    records->Put("2", liar.SerializeAsString());
    records->Commit();
  }
  DataSource source(Lmdb("batch_size: 1"), 2);
  source.Forward();
  EXPECT_ERROR_NAMES(source.Forward(), "record '1'");
  DataSource other(Lmdb("batch_size: 1 rand_skip: 1"), 1);
  other.Forward();
}

TEST_F(Images, ThatComeFirstAreNamedAsAllOthers) {
  Datum broken, unmarked;
  broken.set_encoded(true);
  broken.set_data("no image");
  unmarked.set_data("an image file");
  const std::pair<Datum, std::string> records[] = {
      {broken, "an encoded image"},
      {unmarked, "a datum holds 13 values and no size"},
      {Datum(), "a datum holds no values"}};
  for (const auto& record : records) {
    {
      std::unique_ptr<caffe::db::DB> database(caffe::db::GetDB("lmdb"));
      database->Open(folder / "lmdb", caffe::db::WRITE);
      const std::unique_ptr<caffe::db::Transaction> transaction(database->NewTransaction());
      transaction->Put("0", record.first.SerializeAsString());
      transaction->Commit();
    }
    EXPECT_ERROR_NAMES(DataSource(Lmdb("batch_size: 1"), 2),
                       "record '0' of " + (folder / "lmdb") + ": " + record.second);
  }
  EXPECT_ERROR_NAMES(DataSource(Listed("batch_size: 1", "crop_size: 99"), 2),
                     (folder / "image 0.png") + ": crop 99 x 99 is larger");
  EXPECT_ERROR_NAMES(DataSource(Dense("batch_size: 1 crop_height: 9 crop_width: 9"), 2),
                     (folder / "image 0.png") + ": crop 9 x 9 is larger");
}

TEST_F(Images, AreThereInADatabase) {
  const std::string path = folder / "none";
  std::unique_ptr<caffe::db::DB>(caffe::db::GetDB("lmdb"))->Open(path, caffe::db::NEW);
  const std::string layer = "type: 'Data' data_param { batch_size: 1 backend: LMDB source: '";
  EXPECT_ERROR_NAMES(DataSource(layer + path + "' }", 1), path + " is empty");
}

TEST_F(Images, InAListThatIsWrongNameItsLine) {
  Write(folder / "list.txt", "image 0.png 0\n\nonly_one_part\n");
  EXPECT_ERROR_NAMES(DataSource(Listed(), 2), "list.txt:3");
  Write(folder / "list.txt", "image 0.png zero\n");
  EXPECT_ERROR_NAMES(DataSource(Listed(), 2), "list.txt:1: 'zero'");
  Write(folder / "list.txt", "\n");
  EXPECT_ERROR_NAMES(DataSource(Listed(), 2), "is empty");
  std::filesystem::remove(folder / "list.txt");
  EXPECT_ERROR_NAMES(DataSource(Listed(), 2), "cannot open the list");
}

TEST_F(Images, MayBeListedBehindAByteOrderMark) {
  Write(folder / "list.txt", "\xEF\xBB\xBFimage 3.png 7\r\n");
  EXPECT_EQ(DataSource(Listed("batch_size: 1"), 2).Labels(1), (Values{7}));
}

TEST_F(Images, DensePairsSubtractTheirMeanFile) {
  caffe::BlobProto mean;
  caffe::Blob<float> value(1, 3, 4, 6);
  caffe::caffe_set(value.count(), 100.f, value.mutable_cpu_data());
  value.ToProto(&mean);
  caffe::WriteProtoToBinaryFile(mean, folder / "mean.binaryproto");
  DataSource source(Dense("batch_size: 1 mean_file: '" + (folder / "mean.binaryproto") + "'"), 2);
  source.Forward();
  EXPECT_EQ(source.top(0).data_at(0, 1, 3, 5), 0);
  EXPECT_EQ(source.top(0).data_at(0, 2, 3, 5), 100);
}

TEST_F(Images, NeedABatchSizeAndBothNewSizes) {
  EXPECT_ERROR_NAMES(DataSource(Lmdb(""), 2), "batch_size");
  EXPECT_ERROR_NAMES(DataSource(Listed("new_height: 3"), 2), "go together");
  for (const std::string sizes : {"2147483648 new_width: 3", "3 new_width: 4294967295"}) {
    EXPECT_ERROR_NAMES(DataSource(Listed("new_height: " + sizes), 2), "no image is as large");
  }
}

TEST_F(Images, AreNotThoseOfAListThatIsReadInPart) {
  const std::string source = std::string("source: '") + caffe_test::kUnreadable + "'";
  EXPECT_ERROR_NAMES(
      DataSource("type: 'ImageData' image_data_param { batch_size: 1 " + source + " }", 2),
      "cannot read all of the list /proc/self/mem: Input/output error");
}
