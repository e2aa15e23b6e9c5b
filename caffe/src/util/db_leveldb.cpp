#include "caffe/util/db_leveldb.hpp"

#ifdef USE_LEVELDB

namespace caffe {
namespace db {

namespace {

void CheckLevelDB(const leveldb::Status& status, const string& what) {
  if (!status.ok()) LOG(FATAL) << what + ": " + status.ToString();
}

}  // namespace

void LevelDBCursor::SeekToFirst() {
  iterator_->SeekToFirst();
  CheckLevelDB(iterator_->status(), source_);
}

void LevelDBCursor::Next() {
  iterator_->Next();
  CheckLevelDB(iterator_->status(), source_);
}

void LevelDBTransaction::Commit() {
  CheckLevelDB(db_->Write(leveldb::WriteOptions(), &batch_), "cannot write " + source_);
  batch_.Clear();
}

void LevelDB::Open(const string& source, Mode mode) {
  leveldb::Options options;
  options.create_if_missing = mode != READ;
  options.error_if_exists = mode == NEW;
  options.block_size = 64 << 10;
  options.write_buffer_size = 256 << 20;
  options.max_open_files = 100;
  leveldb::DB* db = nullptr;
  CheckLevelDB(leveldb::DB::Open(options, source, &db), "cannot open the LevelDB " + source);
  db_.reset(db);
  source_ = source;
}

LevelDBCursor* LevelDB::NewCursor() {
  CHECK(db_) << "the database is not open";
  return new LevelDBCursor(db_, source_);
}

LevelDBTransaction* LevelDB::NewTransaction() {
  CHECK(db_) << "the database is not open";
  return new LevelDBTransaction(db_, source_);
}

}  // namespace db
}  // namespace caffe

#endif  // USE_LEVELDB
