#ifndef CAFFE_UTIL_DB_LEVELDB_HPP_
#define CAFFE_UTIL_DB_LEVELDB_HPP_

#include "caffe/util/db.hpp"

#ifdef USE_LEVELDB
#include <memory>
#include <string>

#include "leveldb/db.h"
#include "leveldb/write_batch.h"

namespace caffe {
namespace db {

/// Closed when the database and all cursors and transactions over it are.
using LevelDBHandle = std::shared_ptr<leveldb::DB>;

class LevelDBCursor : public Cursor {
 public:
  LevelDBCursor(const LevelDBHandle& db, const string& source)
      : db_(db), iterator_(db->NewIterator(leveldb::ReadOptions())), source_(source) {
    SeekToFirst();
  }
  void SeekToFirst() override;
  void Next() override;
  string key() override { return iterator_->key().ToString(); }
  string value() override { return iterator_->value().ToString(); }
  bool valid() override { return iterator_->Valid(); }

 private:
  LevelDBHandle db_;
  std::unique_ptr<leveldb::Iterator> iterator_;
  string source_;
};

class LevelDBTransaction : public Transaction {
 public:
  LevelDBTransaction(const LevelDBHandle& db, const string& source) : db_(db), source_(source) {}
  void Put(const string& key, const string& value) override { batch_.Put(key, value); }
  void Commit() override;

 private:
  LevelDBHandle db_;
  string source_;
  leveldb::WriteBatch batch_;
};

class LevelDB : public DB {
 public:
  LevelDB() = default;
  ~LevelDB() override { Close(); }
  void Open(const string& source, Mode mode) override;
  void Close() override { db_.reset(); }
  LevelDBCursor* NewCursor() override;
  LevelDBTransaction* NewTransaction() override;

 private:
  LevelDBHandle db_;
  string source_;
};

}  // namespace db
}  // namespace caffe

#endif  // USE_LEVELDB

#endif  // CAFFE_UTIL_DB_LEVELDB_HPP_
