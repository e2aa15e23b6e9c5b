#include <filesystem>
#include <thread>

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

TEST(AtomicFile, NamesTheFileThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_ERROR_NAMES(AtomicFile(folder / "none/a"), "none/a: No such file");
  std::filesystem::create_directory(folder / "folder");
  AtomicFile file(folder / "folder");
  EXPECT_ERROR_NAMES(file.Commit(), "directory");
}

}  // namespace
}  // namespace caffe_test
