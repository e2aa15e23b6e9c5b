// Samples in an LMDB, in the folder `source`. Sample i has two records, neighbours in the file:
//   key "%08d.ids"    value: an encoded Datum with the instance map as a 16-bit PNG
//   key "%08d.image"  value: a Datum with the image, as Caffe has it: planes of bytes, channel by
//                     channel (blue first), or encoded, a PNG or JPEG
// Both give channels, height and width. The samples are numbered from 0 on, without gaps; records
// with other keys are ignored.
#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <vector>

#include <lmdb.h>

#include "caffe/proto/caffe.pb.h"
#include "caffe/util/db.hpp"
#include "dcme/grey_png.hpp"
#include "sample_source.hpp"

namespace dcme {

namespace {

// An LMDB opened for reading; records are looked up by key.
class Records {
 public:
  explicit Records(const std::string& path) : path_(path) {
    check(mdb_env_create(&env_), "open");
    try {
      const unsigned flags = MDB_RDONLY | MDB_NOTLS | MDB_NOLOCK;
      check(mdb_env_open(env_, path.c_str(), flags, 0), "open");
      MDB_txn* opening = nullptr;
      check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &opening), "open");
      const int status = mdb_dbi_open(opening, nullptr, 0, &records_);
      // The handle stays valid, for all threads, only if the transaction that opened it commits.
      check(mdb_txn_commit(opening), "open");
      check(status, "open");
    } catch (...) {
      mdb_env_close(env_);
      throw;
    }
  }
  ~Records() { mdb_env_close(env_); }
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  // Whether there is such a record, which is parsed into `datum`.
  bool find(const std::string& key, caffe::Datum& datum) const {
    Transaction reading(*this);
    MDB_val name{key.size(), const_cast<char*>(key.data())};
    MDB_val value;
    const int status = mdb_get(reading.get(), records_, &name, &value);
    if (status == MDB_NOTFOUND) return false;
    check(status, "read " + key + " in");
    if (!datum.ParseFromArray(value.mv_data, static_cast<int>(value.mv_size))) {
      throw std::runtime_error("record " + key + " of " + path_ + " is no Datum");
    }
    return true;
  }

  // Calls visit(key) for each record.
  template <typename Visit>
  void visit_keys(const Visit& visit) const {
    Transaction reading(*this);
    MDB_cursor* opened = nullptr;
    check(mdb_cursor_open(reading.get(), records_, &opened), "read");
    const std::unique_ptr<MDB_cursor, void (*)(MDB_cursor*)> cursor(opened, mdb_cursor_close);
    MDB_val key, value;
    int status = mdb_cursor_get(opened, &key, &value, MDB_FIRST);
    for (; status == MDB_SUCCESS; status = mdb_cursor_get(opened, &key, &value, MDB_NEXT)) {
      visit(std::string(static_cast<const char*>(key.mv_data), key.mv_size));
    }
    if (status != MDB_NOTFOUND) check(status, "list the records of");
  }

  const std::string& path() const { return path_; }

 private:
  class Transaction {
   public:
    explicit Transaction(const Records& records) {
      records.check(mdb_txn_begin(records.env_, nullptr, MDB_RDONLY, &transaction_), "read");
    }
    ~Transaction() { mdb_txn_abort(transaction_); }
    MDB_txn* get() const { return transaction_; }

   private:
    MDB_txn* transaction_ = nullptr;
  };

  void check(int status, const std::string& what) const {
    if (status == MDB_SUCCESS) return;
    throw std::runtime_error("cannot " + what + " the LMDB " + path_ + ": " + mdb_strerror(status));
  }

  const std::string path_;
  MDB_env* env_ = nullptr;
  MDB_dbi records_ = 0;
};

std::string key_of(long index, const char* kind) {
  char key[32];
  std::snprintf(key, sizeof key, "%08ld.%s", index, kind);
  return key;
}

// The images among the records: how many, and the highest of their numbers.
struct Images {
  int64_t count = 0;
  int64_t last = -1;
};

Images images_among(const Records& records) {
  Images images;
  records.visit_keys([&](const std::string& key) {
    const long index = std::strtol(key.c_str(), nullptr, 10);
    if (index < 0 || key != key_of(index, "image")) return;
    ++images.count;
    images.last = std::max<int64_t>(images.last, index);
  });
  return images;
}

// LMDB trusts the files that it maps: a damaged one would end the process. Caffe's reader has a
// look at them first. It is closed again, since a process may open an LMDB only once.
const std::string& checked(const std::string& path) {
  const std::unique_ptr<caffe::db::DB> db(caffe::db::GetDB("lmdb"));
  db->Open(path, caffe::db::READ);
  return path;
}

class LmdbSource : public SampleSource {
 public:
  LmdbSource(const std::string& path, bool is_color)
      : records_(checked(path)), is_color_(is_color) {
    const Images images = images_among(records_);
    const std::string write_anew = ": write one with `dcme prepare --lmdb`";
    if (images.count == 0) {
      throw std::runtime_error("the LMDB " + path + " holds no images with instance maps" +
                               write_anew);
    }
    if (images.last >= INT_MAX || images.last + 1 != images.count) {
      throw std::runtime_error("the LMDB " + path + " holds " + std::to_string(images.count) +
                               " images, which are not numbered from 0 on" + write_anew);
    }
    size_ = static_cast<int>(images.count);
  }

  int size() const override { return size_; }

  Sample read(int index) const override {
    Sample sample;
    sample.name = name_of(key_of(index, "image"));
    sample.image = read_image(key_of(index, "image"));
    sample.ids = read_ids(key_of(index, "ids"));
    check_sample(sample, name_of(key_of(index, "ids")));
    return sample;
  }

 private:
  std::string name_of(const std::string& key) const {
    return "record " + key + " of " + records_.path();
  }

  caffe::Datum find(const std::string& key) const {
    caffe::Datum datum;
    if (!records_.find(key, datum)) {
      throw std::runtime_error("the LMDB " + records_.path() + " has no record " + key);
    }
    return datum;
  }

  cv::Mat read_image(const std::string& key) const {
    caffe::Datum datum = find(key);
    if (datum.encoded()) return decode_image(datum.data(), name_of(key), is_color_);
    const cv::Mat pixels = interleaved(&datum);
    if (pixels.empty()) {
      throw std::runtime_error(name_of(key) + " holds no image: its data does not fit its size");
    }
    return pixels;
  }

  // The planes of a Datum as an image of the wanted kind; empty where it holds no such.
  cv::Mat interleaved(caffe::Datum* datum) const {
    const int64_t rows = datum->height(), cols = datum->width(), channels = datum->channels();
    const bool known = channels == 1 || channels == 3;
    const int64_t bytes = static_cast<int64_t>(datum->data().size());
    if (!known || rows < 1 || cols < 1 || bytes % channels != 0 ||
        rows * cols != bytes / channels) {
      return cv::Mat();
    }
    std::vector<cv::Mat> planes;
    for (int c = 0; c < channels; ++c) {
      planes.emplace_back(static_cast<int>(rows), static_cast<int>(cols), CV_8U,
                          &(*datum->mutable_data())[c * rows * cols]);
    }
    if (is_color_) planes.resize(3, planes[0]);
    cv::Mat pixels;
    cv::merge(planes, pixels);
    return is_color_ ? pixels : in_grey(pixels);
  }

  cv::Mat read_ids(const std::string& key) const {
    const caffe::Datum datum = find(key);
    const std::string& bytes = datum.data();
    GreyImage map;
    read_grey_png(name_of(key), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), map);
    return cv::Mat(map.rows, map.cols, map.is_16_bit ? CV_16U : CV_8U, map.values.data()).clone();
  }

  const Records records_;
  const bool is_color_;
  int size_ = 0;
};

}  // namespace

std::unique_ptr<SampleSource> open_lmdb(const std::string& path, bool is_color) {
  return std::make_unique<LmdbSource>(path, is_color);
}

}  // namespace dcme
