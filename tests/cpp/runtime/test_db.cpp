#include <algorithm>
#include <memory>
#include <vector>

#include <unistd.h>

#include "caffe/util/db.hpp"
#include "forked_process.hpp"
#include "runtime/data_source.hpp"
#include "runtime/files.hpp"

using caffe_test::TemporaryFolder;
namespace db = caffe::db;

namespace {

std::unique_ptr<db::DB> Open(const std::string& path, db::Mode mode) {
  std::unique_ptr<db::DB> database(db::GetDB("lmdb"));
  database->Open(path, mode);
  return database;
}

void Put(db::DB* database, const std::string& key, const std::string& value) {
  const std::unique_ptr<db::Transaction> transaction(database->NewTransaction());
  transaction->Put(key, value);
  transaction->Commit();
}

}  // namespace

TEST(Lmdb, KeepsRecordsInTheOrderOfTheirKeys) {
  const TemporaryFolder folder;
  {
    const auto database = Open(folder / "db", db::NEW);
    Put(database.get(), "b", "2");
    Put(database.get(), "a", "1");
  }
  Put(Open(folder / "db", db::WRITE).get(), "c", "3");
  const auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  std::string seen;
  for (; cursor->valid(); cursor->Next()) seen += cursor->key() + cursor->value();
  EXPECT_EQ(seen, "a1b2c3");
  EXPECT_THROW(cursor->value(), caffe::Error);
  cursor->SeekToFirst();
  EXPECT_EQ(cursor->key(), "a");
}

TEST(Lmdb, MakesADatabaseToWriteIntoAndCommitsInTurns) {
  const TemporaryFolder folder;
  {
    const auto database = Open(folder / "db", db::WRITE);
    const std::unique_ptr<db::Transaction> transaction(database->NewTransaction());
    transaction->Put("a", "1");
    transaction->Commit();
    Put(database.get(), "a", "other");
    // What is written is not written again.
    transaction->Put("b", "2");
    transaction->Commit();
    transaction->Put("c", "never");
  }
  const auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  std::string seen;
  for (; cursor->valid(); cursor->Next()) seen += cursor->key() + cursor->value();
  EXPECT_EQ(seen, "aotherb2");
  EXPECT_ERROR_NAMES(cursor->key(), "no record behind the last one of " + (folder / "db"));
}

TEST(LmdbError, OfAClosedOneAndOfKeysThatAreNone) {
  const TemporaryFolder folder;
  const auto database = Open(folder / "db", db::NEW);
  EXPECT_ERROR_NAMES(Put(database.get(), "", "1"), "cannot write " + (folder / "db"));
  EXPECT_ERROR_NAMES(Put(database.get(), std::string(10000, 'k'), "1"), "cannot write");
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  EXPECT_FALSE(cursor->valid());
  database->Close();
  EXPECT_ERROR_NAMES(database->NewCursor(), "is not open");
  EXPECT_ERROR_NAMES(database->NewTransaction(), "is not open");
}

TEST(Lmdb, GrowsAsNeeded) {
  const TemporaryFolder folder;
  const std::string megabytes(40 << 20, 'x');
  {
    const auto database = Open(folder / "db", db::NEW);
    for (const char* key : {"a", "b", "c"}) Put(database.get(), key, megabytes);
  }
  const auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  cursor->Next();
  EXPECT_EQ(cursor->value(), megabytes);
}

TEST(Lmdb, MayBeClosedBeforeItsCursor) {
  const TemporaryFolder folder;
  Put(Open(folder / "db", db::NEW).get(), "a", "1");
  auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  database->Close();
  database.reset();
  EXPECT_EQ(cursor->value(), "1");
}

TEST(LmdbError, NamesThePath) {
  const TemporaryFolder folder;
  EXPECT_ERROR_NAMES(Open(folder / "none", db::READ), folder / "none");
  Open(folder / "db", db::NEW);
  EXPECT_ERROR_NAMES(Open(folder / "db", db::NEW), folder / "db");
  std::filesystem::create_directory(folder / "text");
  caffe_test::Write(folder / "text/data.mdb", std::string(8192, 'x'));
  EXPECT_ERROR_NAMES(Open(folder / "text", db::READ), folder / "text");
}

TEST(Lmdb, HasRoomForOtherReadersWhereEarlierOnesWereKilled) {
  const TemporaryFolder folder;
  Put(Open(folder / "db", db::NEW).get(), "a", "1");
  // While one reads, LMDB does not begin its table of readers anew.
  const auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  for (int i = 0; i < 125; ++i) {
    caffe_test::InForkedProcess([&]() noexcept {
      const auto other = Open(folder / "db", db::READ);
      const std::unique_ptr<db::Cursor> reading(other->NewCursor());
      return kill(getpid(), SIGKILL) == 0;
    });
  }
  const std::unique_ptr<db::Cursor> next(database->NewCursor());
  EXPECT_EQ(next->value(), "1");
}

TEST(LmdbError, OfMoreReadersThanThereCanBe) {
  const TemporaryFolder folder;
  Put(Open(folder / "db", db::NEW).get(), "a", "1");
  const auto database = Open(folder / "db", db::READ);
  std::vector<std::unique_ptr<db::Cursor>> cursors;
  const auto begin = [&] { cursors.emplace_back(database->NewCursor()); };
  for (int i = 0; i < 126; ++i) begin();
  EXPECT_ERROR_NAMES(begin(), "db has as many readers as it can have at once");
}

TEST(LmdbError, OfAFullDisk) {
  const TemporaryFolder folder;
  const auto database = Open(folder / "db", db::NEW);
  const caffe_test::FullDisk full(20000);
  EXPECT_ERROR_NAMES(Put(database.get(), "a", std::string(30000, 'x')), "db: is the disk full?");
}

TEST(LmdbError, ATruncatedFileIsNotRead) {
  const TemporaryFolder folder;
  Put(Open(folder / "db", db::NEW).get(), "key", std::string(1 << 20, 'x'));
  std::filesystem::resize_file(folder / "db/data.mdb", 16384);
  EXPECT_ERROR_NAMES(Open(folder / "db", db::READ), "shorter than it says");
}

// A batch of it would take gigabytes.
TEST(LmdbError, ADatumWithLessThanItClaimsIsRefusedAtOnce) {
  const TemporaryFolder folder;
  caffe::Datum datum;
  datum.set_channels(3);
  datum.set_height(1000000);
  datum.set_width(200);
  datum.set_data("few");
  Put(Open(folder / "db", db::NEW).get(), "a", datum.SerializeAsString());
  const std::string layer =
      "type: 'Data' data_param { backend: LMDB batch_size: 2 source: '" + (folder / "db") + "' }";
  EXPECT_ERROR_NAMES(caffe_test::DataSource(layer, 1),
                     "record 'a' of " + (folder / "db") + ": a datum holds 3 values");
}

TEST(LmdbError, AFileWithAWrongNumberOfRecordsIsNotRead) {
  const TemporaryFolder folder;
  {
    const auto database = Open(folder / "db", db::NEW);
    for (const char* key : {"a", "b", "c"}) Put(database.get(), key, "1");
  }
  // LMDB's own count of the records, in both of the pages that describe the file.
  std::fstream file(folder / "db/data.mdb", std::ios::in | std::ios::out | std::ios::binary);
  // They are as large as those of memory, of 32 KiB at most.
  const long page = std::min(sysconf(_SC_PAGESIZE), 32768L), entries = 16 + 24 + 48 + 32;
  for (const long at : {entries, page + entries}) {
    file.seekp(at);
    const uint64_t many = uint64_t(1) << 40;
    file.write(reinterpret_cast<const char*>(&many), sizeof(many));
  }
  file.close();
  EXPECT_ERROR_NAMES(Open(folder / "db", db::READ), "holds fewer or more records than it says");
}

TEST(Lmdb, IsReadWhereNothingCanBeWritten) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TemporaryFolder folder;
  Put(Open(folder / "db", db::NEW).get(), "key", "value");
  std::filesystem::remove(folder / "db/lock.mdb");
  std::filesystem::permissions(
      folder / "db", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const auto database = Open(folder / "db", db::READ);
  const std::unique_ptr<db::Cursor> cursor(database->NewCursor());
  EXPECT_EQ(cursor->value(), "value");
  std::filesystem::permissions(folder / "db", std::filesystem::perms::owner_all);
}

TEST(Database, UnknownBackendsNameTheKnownOnes) { EXPECT_ERROR_NAMES(db::GetDB("sqlite"), "lmdb"); }
