#include <vector>

#include "caffe/util/hdf5.hpp"
#include "runtime/files.hpp"
#include "util/hdf5_handle.hpp"

using caffe::Blob;
using caffe::Hdf5File;
using caffe_test::FullDisk;
using caffe_test::TemporaryFolder;

TEST(Hdf5, KeepsBlobsNumbersTextsAndNames) {
  const TemporaryFolder folder;
  {
    const Hdf5File file(folder / "all.h5", H5F_ACC_TRUNC);
    Blob<float> blob({2, 3});
    for (int i = 0; i < 6; ++i) blob.mutable_cpu_data()[i] = i + 0.5f;
    caffe::hdf5_save_nd_dataset(file.id(), "b", blob);
    caffe::hdf5_save_int(file.id(), "n", -7);
    caffe::hdf5_save_string(file.id(), "a", "a text");
  }
  const Hdf5File file(folder / "all.h5", H5F_ACC_RDONLY);
  Blob<double> blob;
  caffe::hdf5_load_nd_dataset(file.id(), "b", 1, 4, &blob, true);
  EXPECT_EQ(blob.shape(), (std::vector<int>{2, 3}));
  EXPECT_EQ(blob.cpu_data()[5], 5.5);
  EXPECT_EQ(caffe::hdf5_load_int(file.id(), "n"), -7);
  EXPECT_EQ(caffe::hdf5_load_string(file.id(), "a"), "a text");
  ASSERT_EQ(caffe::hdf5_get_num_links(file.id()), 3);
  EXPECT_EQ(caffe::hdf5_get_name_by_idx(file.id(), 0), "a");
  EXPECT_EQ(caffe::hdf5_get_name_by_idx(file.id(), 2), "n");
}

TEST(Hdf5, AppendedRowsGrowADataset) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "rows.h5", H5F_ACC_TRUNC);
  for (const int rows : {2, 1, 3}) {
    Blob<float> blob({rows, 2});
    for (int i = 0; i < blob.count(); ++i) blob.mutable_cpu_data()[i] = rows;
    caffe::hdf5_append_rows(file.id(), "data", blob);
  }
  Blob<float> all;
  caffe::hdf5_load_nd_dataset(file.id(), "data", 2, 2, &all, true);
  EXPECT_EQ(all.shape(), (std::vector<int>{6, 2}));
  const std::vector<float> values(all.cpu_data(), all.cpu_data() + 12);
  EXPECT_EQ(values, (std::vector<float>{2, 2, 2, 2, 1, 1, 3, 3, 3, 3, 3, 3}));
  Blob<float> wider({1, 3});
  EXPECT_ERROR_NAMES(caffe::hdf5_append_rows(file.id(), "data", wider), "another shape");
}

TEST(Hdf5, KeepsDiffsPrecisionsAndShapesOfNoAxes) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "all.h5", H5F_ACC_TRUNC);
  Blob<double> blob(std::vector<int>(0));
  blob.mutable_cpu_data()[0] = 1 / 3.0;
  blob.mutable_cpu_diff()[0] = 2 / 3.0;
  caffe::hdf5_save_nd_dataset(file.id(), "data", blob);
  caffe::hdf5_save_nd_dataset(file.id(), "diff", blob, true);
  Blob<double> read({5});
  caffe::hdf5_load_nd_dataset(file.id(), "data", 0, 0, &read, true);
  EXPECT_EQ(read.num_axes(), 0);
  EXPECT_EQ(read.cpu_data()[0], 1 / 3.0);
  caffe::hdf5_load_nd_dataset(file.id(), "diff", 0, 4, &read);
  EXPECT_EQ(read.cpu_data()[0], 2 / 3.0);
}

TEST(Hdf5, WholeNumbersAreReadAsValues) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "numbers.h5", H5F_ACC_TRUNC);
  caffe::hdf5_save_int(file.id(), "n", 1 << 20);
  Blob<float> blob;
  caffe::hdf5_load_nd_dataset(file.id(), "n", 1, 1, &blob, true);
  EXPECT_EQ(blob.cpu_data()[0], 1 << 20);
}

TEST(Hdf5Error, OfNumbersAndTexts) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "some.h5", H5F_ACC_TRUNC);
  caffe::hdf5_save_nd_dataset(file.id(), "two", Blob<float>(std::vector<int>{2}));
  caffe::hdf5_save_int(file.id(), "number", 3);
  caffe::hdf5_save_string(file.id(), "text", "abc");
  Blob<float> blob;
  EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), "text", 0, 4, &blob, true),
                     "some.h5: dataset 'text' holds no numbers");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_int(file.id(), "text"), "holds no numbers");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_int(file.id(), "two"), "is no single number");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_int(file.id(), "none"), "does not exist");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_string(file.id(), "number"), "holds no text");
  EXPECT_ERROR_NAMES(caffe::hdf5_save_int(file.id(), "number", 4), "'number' cannot be written");
  EXPECT_ERROR_NAMES(caffe::hdf5_save_string(file.id(), "number", ""), "cannot be written");
  EXPECT_ERROR_NAMES(caffe::hdf5_get_name_by_idx(file.id(), 3), "has no entry number 3");
  EXPECT_EQ(caffe::hdf5_load_int(file.id(), "number"), 3);
}

TEST(Hdf5Error, OfRowsThatDoNotFit) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "rows.h5", H5F_ACC_TRUNC);
  const auto append = [&](const std::vector<int>& shape) {
    Blob<float> blob(shape);
    caffe::hdf5_append_rows(file.id(), "data", blob);
  };
  EXPECT_ERROR_NAMES(append({}), "gets an empty blob");
  EXPECT_ERROR_NAMES(append({0, 2}), "gets an empty blob");
  append({1, 2});
  EXPECT_ERROR_NAMES(append({1, 2, 1}), "has 2 axes; 3 to 3 are expected");
  EXPECT_ERROR_NAMES(append({2}), "has 2 axes; 1 to 1 are expected");
  caffe::hdf5_save_nd_dataset(file.id(), "fixed", Blob<float>(std::vector<int>{1, 2}));
  EXPECT_ERROR_NAMES(
      caffe::hdf5_append_rows(file.id(), "fixed", Blob<float>(std::vector<int>{1, 2})),
      "'fixed' cannot be written");
}

TEST(Hdf5Error, NamesFileAndDataset) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "some.h5", H5F_ACC_TRUNC);
  Blob<float> blob({2, 3});
  caffe::hdf5_save_nd_dataset(file.id(), "there", blob);
  EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), "absent", 1, 4, &blob),
                     "some.h5: dataset 'absent' does not exist");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), "there", 3, 4, &blob), "has 2 axes");
  EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), "there", 0, 1, &blob), "has 2 axes");
  Blob<float> other({3, 2});
  EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), "there", 1, 4, &other), "2 x 3");
}

TEST(Hdf5Error, ASizeTheFileCannotHoldTakesNoMemory) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "huge.h5", H5F_ACC_TRUNC);
  // Declared, never written: nothing of it is on the disk.
  const auto declare = [&](const char* name, hsize_t rows, hsize_t columns) {
    const hsize_t dims[] = {rows, columns};
    const hid_t space = H5Screate_simple(2, dims, nullptr);
    H5Dclose(H5Dcreate2(file.id(), name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT,
                        H5P_DEFAULT));
    H5Sclose(space);
  };
  Blob<float> blob;
  const auto load = [&](const char* name) {
    caffe::hdf5_load_nd_dataset(file.id(), name, 1, 4, &blob, true);
  };
  declare("huge", 30000, 30000);
  EXPECT_ERROR_NAMES(load("huge"), "damaged");
  declare("too many", 1 << 16, 1 << 15);
  EXPECT_ERROR_NAMES(load("too many"), "more values than a blob can hold");
  declare("too long", hsize_t(1) << 32, 1);
  EXPECT_ERROR_NAMES(load("too long"), "more values than a blob can hold");
  // Small ones may be unset.
  declare("small", 1 << 9, 1 << 9);
  load("small");
  EXPECT_EQ(blob.asum_data(), 0);
  declare("larger", 1, (1 << 18) + 1);
  EXPECT_ERROR_NAMES(load("larger"), "damaged");
}

// HDF5 keeps small datasets in memory until they are closed.
TEST(Hdf5Error, SmallDatasetsThatCannotBeWrittenAreNotTakenAsWritten) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "some.h5", H5F_ACC_TRUNC);
  const Blob<float> blob(std::vector<int>{2000});
  caffe::hdf5_append_rows(file.id(), "rows", blob);
  const FullDisk full(8000);
  EXPECT_ERROR_NAMES(caffe::hdf5_save_nd_dataset(file.id(), "new", blob),
                     "'new' cannot be written: is the disk full?");
  EXPECT_ERROR_NAMES(caffe::hdf5_append_rows(file.id(), "rows", blob),
                     "'rows' cannot be written: is the disk full?");
}

TEST(Hdf5Error, AFileThatCannotBeWrittenLeavesTheOldOne) {
  const TemporaryFolder folder;
  caffe_test::Write(folder / "some.h5", "the old one");
  const FullDisk full(8000);
  EXPECT_ERROR_NAMES(caffe::WriteHdf5File(folder / "some.h5",
                                          [](hid_t file) {
                                            caffe::hdf5_save_nd_dataset(
                                                file, "new", Blob<float>(std::vector<int>{2000}));
                                          }),
                     "some.h5: dataset 'new' cannot be written: is the disk full?");
  EXPECT_EQ(caffe_test::Contents(folder / "some.h5"), "the old one");
}

// A file of weights from elsewhere must not make this process read, and pass on, another file.
TEST(Hdf5Error, ValuesOfOtherFilesAreNotRead) {
  const TemporaryFolder folder;
  const std::string other = folder / "other.h5";
  Blob<float> secret({4});
  {
    const Hdf5File file(other, H5F_ACC_TRUNC);
    caffe::hdf5_save_nd_dataset(file.id(), "secret", secret);
  }
  const Hdf5File file(folder / "some.h5", H5F_ACC_TRUNC);
  caffe::hdf5_save_nd_dataset(file.id(), "own", secret);
  H5Lcreate_soft("/own", file.id(), "alias", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(other.c_str(), "/secret", file.id(), "link", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external(other.c_str(), "/", file.id(), "group", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/group/secret", file.id(), "around", H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t dims[] = {4};
  const hid_t space = H5Screate_simple(1, dims, nullptr);
  const auto make = [&](const char* name, hid_t creation) {
    H5Dclose(
        H5Dcreate2(file.id(), name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
  };
  const hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(outside, other.c_str(), 0, 16);
  make("outside", outside);
  const hid_t composed = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_virtual(composed, space, other.c_str(), "/secret", space);
  make("composed", composed);
  H5Sclose(space);
  for (const std::string name : {"link", "around", "outside", "composed"}) {
    EXPECT_ERROR_NAMES(caffe::hdf5_load_nd_dataset(file.id(), name.c_str(), 1, 4, &secret),
                       "some.h5: dataset '" + name + "' lies in another file");
    EXPECT_ERROR_NAMES(caffe::hdf5_load_string(file.id(), name), "lies in another file");
  }
  EXPECT_ERROR_NAMES(caffe::OpenGroup(file.id(), "group"),
                     "some.h5: group 'group' lies in another file");
  EXPECT_LT(caffe::OpenGroup(file.id(), "none"), 0);
  caffe::hdf5_load_nd_dataset(file.id(), "alias", 1, 4, &secret);
}

TEST(Hdf5Error, AFilterThatIsNotThereIsNamed) {
  const TemporaryFolder folder;
  const std::string path = folder / "some.h5";
  const H5Z_func_t as_it_is = [](unsigned, size_t, const unsigned*, size_t bytes, size_t*, void**) {
    return bytes;
  };
  const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 0x7d7e, 1, 1, "lzf", nullptr, nullptr, as_it_is};
  ASSERT_GE(H5Zregister(&filter), 0);
  {
    const Hdf5File file(path, H5F_ACC_TRUNC);
    const hsize_t dims[] = {4};
    const hid_t space = H5Screate_simple(1, dims, nullptr);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 1, dims);
    H5Pset_filter(creation, filter.id, H5Z_FLAG_MANDATORY, 0, nullptr);
    const hid_t dataset = H5Dcreate2(file.id(), "packed", H5T_NATIVE_FLOAT, space, H5P_DEFAULT,
                                     creation, H5P_DEFAULT);
    const float values[] = {1, 2, 3, 4};
    ASSERT_GE(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
  }
  Blob<float> blob;
  const auto load = [&] {
    const Hdf5File file(path, H5F_ACC_RDONLY);
    caffe::hdf5_load_nd_dataset(file.id(), "packed", 1, 4, &blob, true);
  };
  load();
  EXPECT_EQ(blob.cpu_data()[3], 4);
  // Another number than the registered one; taking that back would touch the files of tests in
  // which the disk was full.
  std::string bytes = caffe_test::Contents(path);
  const size_t number = bytes.find("\x7e\x7d");
  ASSERT_NE(number, std::string::npos);
  bytes[number] = '\x7f';
  caffe_test::Write(path, bytes);
  EXPECT_ERROR_NAMES(load(),
                     "some.h5: dataset 'packed' is compressed with lzf, which this HDF5 library "
                     "cannot read");
}

TEST(Hdf5Error, OtherFilesAreNoHdf5Files) {
  const TemporaryFolder folder;
  caffe_test::Write(folder / "text.h5", "no HDF5");
  EXPECT_ERROR_NAMES(Hdf5File(folder / "text.h5", H5F_ACC_RDONLY), "is no HDF5 file");
  EXPECT_ERROR_NAMES(Hdf5File(folder / "none.h5", H5F_ACC_RDONLY), "none.h5: cannot be opened");
}

TEST(Hdf5Error, ATextHasAFixedLength) {
  const TemporaryFolder folder;
  const Hdf5File file(folder / "text.h5", H5F_ACC_TRUNC);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t dataset =
      H5Dcreate2(file.id(), "text", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const char* const text = "a text";
  H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &text);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Tclose(type);
  EXPECT_ERROR_NAMES(caffe::hdf5_load_string(file.id(), "text"), "variable length");
}
