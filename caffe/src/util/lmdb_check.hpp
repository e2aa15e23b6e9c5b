#ifndef CAFFE_SRC_UTIL_LMDB_CHECK_HPP_
#define CAFFE_SRC_UTIL_LMDB_CHECK_HPP_

#include <string>

namespace caffe {
namespace db {

/// Checks that all that an LMDB file (data.mdb) refers to lies inside of it, and that it holds as
/// many records as it says; throws Error, naming the file, where that is not so.
///
/// LMDB maps its file into memory and trusts it: a damaged one, or one made to do harm, would end
/// the process. Reads all pages but those of large values: about 1 % of a database of images. The
/// layout is that of LMDB 0.9, format version 1 (the same since 2011).
void CheckLmdbFile(const std::string& path);

}  // namespace db
}  // namespace caffe

#endif  // CAFFE_SRC_UTIL_LMDB_CHECK_HPP_
