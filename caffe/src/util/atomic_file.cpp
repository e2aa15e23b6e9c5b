#include "caffe/util/atomic_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace caffe {

namespace {

bool SyncToDisk(const string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = fsync(fd) == 0;
  close(fd);
  return synced;
}

string FolderOf(const string& path) {
  const size_t slash = path.rfind('/');
  if (slash == string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The permissions that a newly created file gets.
mode_t DefaultFileMode() {
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

}  // namespace

AtomicFile::AtomicFile(const string& path) : path_(path), temp_name_(path + ".tmp-XXXXXX") {
  const int fd = mkstemp(&temp_name_[0]);
  if (fd < 0) LOG(FATAL) << "cannot write " << path << ": " << std::strerror(errno);
  // mkstemp lets only the owner read.
  if (fchmod(fd, DefaultFileMode()) != 0) {
    LOG(WARNING) << "cannot set the permissions of " << path << ": " << std::strerror(errno);
  }
  close(fd);
}

AtomicFile::~AtomicFile() {
  if (!committed_) std::remove(temp_name_.c_str());
}

void AtomicFile::Commit() {
  if (!SyncToDisk(temp_name_, O_RDONLY) || std::rename(temp_name_.c_str(), path_.c_str()) != 0) {
    LOG(FATAL) << "cannot write " << path_ << ": " << std::strerror(errno);
  }
  committed_ = true;
  // Makes the new name last through a power cut; some file systems cannot, which is no error.
  SyncToDisk(FolderOf(path_), O_RDONLY | O_DIRECTORY);
}

}  // namespace caffe
