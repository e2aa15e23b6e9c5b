#ifndef CAFFE_TOOLS_COMMON_NEW_DATABASE_HPP_
#define CAFFE_TOOLS_COMMON_NEW_DATABASE_HPP_

#include <memory>
#include <string>

#include "caffe/util/db.hpp"

namespace caffe {
namespace tools {

/// A database that a tool makes. It is removed again unless the tool comes to its end: what is left
/// of it would be in the way of the next run. All throw Error naming it.
class NewDatabase {
 public:
  /// There must be none of this name yet.
  NewDatabase(const std::string& path, const std::string& backend);
  ~NewDatabase();

  /// True where the records up to this one, some at a time, have been written.
  bool Put(const std::string& key, const std::string& value);
  /// Writes the rest.
  void Finish();
  /// Does not throw.
  void Keep() { kept_ = true; }

  /// Records put so far.
  int size() const { return size_; }

 private:
  const std::string path_;
  std::unique_ptr<db::DB> database_;
  std::unique_ptr<db::Transaction> transaction_;
  int size_ = 0;
  bool kept_ = false;

  DISABLE_COPY_AND_ASSIGN(NewDatabase);
};

}  // namespace tools
}  // namespace caffe

#endif  // CAFFE_TOOLS_COMMON_NEW_DATABASE_HPP_
