#include "caffe/util/atomic_file.hpp"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

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

[[noreturn]] void CannotWrite(const string& path) {
  throw Error("cannot write " + path + ": " + std::strerror(errno));
}

// Creates an empty file with the permissions of a new one, named `stem` and a number.
string CreateBeside(const string& path, const string& stem) {
  static std::atomic<int> made{0};
  for (;;) {
    const string name = stem + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(made++);
    const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
      close(fd);
      return name;
    }
    if (errno != EEXIST) CannotWrite(path);
  }
}

// The file that a path with links leads to; the path itself where there is none.
string Resolved(const string& path) {
  char buffer[PATH_MAX];
  return realpath(path.c_str(), buffer) ? string(buffer) : path;
}

// The open file that a path such as /dev/stdout stands for, wherever that leads; -1 for any other
// path. Opened by its path it would begin anew, at the start of what others write there as well.
int DescriptorOf(const string& path) {
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const string folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (path.compare(0, folder.size(), folder) != 0) continue;
    int number = -1;
    const char* const end = path.data() + path.size();
    if (std::from_chars(path.data() + folder.size(), end, number).ptr == end) return number;
  }
  return -1;
}

// Adds a file's contents to what is neither replaced nor emptied: a pipe, an open file.
bool CopyInto(const string& path, const string& from) {
  const int open_file = DescriptorOf(path);
  const int fd = open_file >= 0 ? dup(open_file) : open(path.c_str(), O_WRONLY | O_CLOEXEC);
  std::FILE* const to = fd >= 0 ? fdopen(fd, "wb") : nullptr;
  if (!to) return false;
  std::ifstream contents(from, std::ios::binary);
  char buffer[1 << 16];
  bool written = true;
  while (written && (contents.read(buffer, sizeof(buffer)), contents.gcount() > 0)) {
    const auto size = static_cast<size_t>(contents.gcount());
    written = std::fwrite(buffer, 1, size, to) == size;
  }
  return (std::fclose(to) == 0) && written;
}

}  // namespace

AtomicFile::AtomicFile(const string& path) : path_(path) {
  struct stat status;
  const bool exists = stat(path.c_str(), &status) == 0;
  is_special_ =
      DescriptorOf(path) >= 0 || (exists && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode));
  if (is_special_) {
    temp_name_ = CreateBeside(path, P_tmpdir "/caffe");
    return;
  }
  if (exists) path_ = Resolved(path);
  temp_name_ = CreateBeside(path, path_);
  if (exists && chmod(temp_name_.c_str(), status.st_mode & 07777) != 0) {
    LOG(WARNING) << "cannot set the permissions of " << path << ": " << std::strerror(errno);
  }
}

AtomicFile::~AtomicFile() {
  if (!committed_) std::remove(temp_name_.c_str());
}

void AtomicFile::Commit() {
  if (is_special_) {
    if (!CopyInto(path_, temp_name_)) CannotWrite(path_);
    return;
  }
  if (!SyncToDisk(temp_name_, O_RDONLY) || std::rename(temp_name_.c_str(), path_.c_str()) != 0) {
    CannotWrite(path_);
  }
  committed_ = true;
  // Makes the new name last through a power cut; some file systems cannot, which is no error.
  SyncToDisk(FolderOf(path_), O_RDONLY | O_DIRECTORY);
}

}  // namespace caffe
