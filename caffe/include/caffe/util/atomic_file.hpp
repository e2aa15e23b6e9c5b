#ifndef CAFFE_UTIL_ATOMIC_FILE_HPP_
#define CAFFE_UTIL_ATOMIC_FILE_HPP_

#include <string>

#include "caffe/common.hpp"

namespace caffe {

/// Makes a file appear whole or not at all: write to temp_name(), then Commit().
///
/// The temporary file stands beside the final one, so that renaming it is atomic. Without a Commit
/// (an exception on the way) it is removed, and an older file of that name stays as it was. A link
/// stays a link, a file that is written anew keeps its permissions, and what is no file (a pipe) or
/// an open one (/dev/stdout, /dev/fd/3) is not replaced: Commit() adds the contents there.
class AtomicFile {
 public:
  /// Throws Error where the folder of `path` does not exist or cannot be written.
  explicit AtomicFile(const string& path);
  ~AtomicFile();

  /// An empty file, to be written and closed by the caller.
  const string& temp_name() const { return temp_name_; }
  /// Brings the contents to disk and gives the file its name. Throws Error.
  void Commit();

 private:
  string path_;
  string temp_name_;
  bool is_special_ = false;
  bool committed_ = false;

  DISABLE_COPY_AND_ASSIGN(AtomicFile);
};

}  // namespace caffe

#endif  // CAFFE_UTIL_ATOMIC_FILE_HPP_
