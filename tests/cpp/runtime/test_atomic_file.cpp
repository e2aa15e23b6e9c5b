#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caffe/util/atomic_file.hpp"
#include "files.hpp"

namespace caffe_test {
namespace {

using caffe::AtomicFile;

size_t FilesIn(const TemporaryFolder& folder) {
  const std::filesystem::directory_iterator begin(folder.path());
  return std::distance(begin, std::filesystem::directory_iterator());
}

TEST(AtomicFile, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  Write(folder / "a", "old");
  {
    AtomicFile file(folder / "a");
    Write(file.temp_name(), "half");
  }
  EXPECT_EQ(Contents(folder / "a"), "old");
  AtomicFile file(folder / "a");
  Write(file.temp_name(), "new");
  file.Commit();
  EXPECT_EQ(Contents(folder / "a"), "new");
  EXPECT_EQ(FilesIn(folder), 1u);
}

TEST(AtomicFile, KeepsThePermissionsOfTheFileThatItReplaces) {
  const TemporaryFolder folder;
  Write(folder / "a", "secret");
  chmod((folder / "a").c_str(), 0600);
  AtomicFile file(folder / "a");
  file.Commit();
  struct stat status;
  stat((folder / "a").c_str(), &status);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST(AtomicFile, WritesToTheFileThatALinkLeadsTo) {
  const TemporaryFolder folder;
  Write(folder / "file", "old");
  ASSERT_EQ(symlink("file", (folder / "link").c_str()), 0);
  AtomicFile file(folder / "link");
  Write(file.temp_name(), "new");
  file.Commit();
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(Contents(folder / "file"), "new");
}

TEST(AtomicFile, DoesNotReplaceAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::string received;
  std::thread reader([&] { received = Contents(folder / "pipe"); });
  {
    AtomicFile file(folder / "pipe");
    Write(file.temp_name(), "through");
    file.Commit();
  }
  reader.join();
  EXPECT_EQ(received, "through");
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
}

// As in `(echo header; tool /dev/stdout; echo footer) > file`.
TEST(AtomicFile, GoesOnWhereAnOpenFileIs) {
  const TemporaryFolder folder;
  const int fd = open((folder / "all").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  ASSERT_EQ(write(fd, "header,", 7), 7);
  {
    AtomicFile file("/dev/fd/" + std::to_string(fd));
    Write(file.temp_name(), "contents,");
    file.Commit();
  }
  ASSERT_EQ(write(fd, "footer", 6), 6);
  close(fd);
  EXPECT_EQ(Contents(folder / "all"), "header,contents,footer");
  EXPECT_EQ(FilesIn(folder), 1u);
}

TEST(AtomicFile, AddsNothingToAnOpenFileWhereTheContentsAreEmpty) {
  const TemporaryFolder folder;
  const int fd = open((folder / "all").c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  AtomicFile(path).Commit();
  close(fd);
  EXPECT_EQ(Contents(folder / "all"), "");
  AtomicFile closed(path);
  EXPECT_ERROR_NAMES(closed.Commit(), "cannot write " + path + ": Bad file descriptor");
}

TEST(AtomicFile, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_ERROR_NAMES(AtomicFile(folder / "none/a"), "none/a: No such file");
  std::filesystem::create_directory(folder / "folder");
  AtomicFile file(folder / "folder");
  EXPECT_ERROR_NAMES(file.Commit(), "directory");
}

}  // namespace
}  // namespace caffe_test
