#ifndef CAFFE_UTIL_DB_LMDB_HPP_
#define CAFFE_UTIL_DB_LMDB_HPP_

#include "caffe/util/db.hpp"

#ifdef USE_LMDB
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lmdb.h"

namespace caffe {
namespace db {

/// Throws Error with LMDB's reason unless the status is MDB_SUCCESS.
void CheckMdb(int status, const string& what);
/// The same under the name that Caffe 1.0 gave it.
inline void MDB_CHECK(int status) { CheckMdb(status, "failed"); }

/// Closed when the database and all cursors and transactions over it are.
using LMDBEnvironment = std::shared_ptr<MDB_env>;

class LMDBCursor : public Cursor {
 public:
  /// Takes over the transaction and its cursor, which is at no record yet.
  LMDBCursor(const LMDBEnvironment& env, MDB_txn* transaction, MDB_cursor* cursor,
             const string& source);
  ~LMDBCursor() override;
  void SeekToFirst() override { Seek(MDB_FIRST); }
  void Next() override { Seek(MDB_NEXT); }
  string key() override;
  string value() override;
  bool valid() override { return valid_; }

 private:
  void Seek(MDB_cursor_op op);

  LMDBEnvironment env_;
  MDB_txn* transaction_;
  MDB_cursor* cursor_;
  string source_;
  MDB_val key_;
  MDB_val value_;
  bool valid_ = false;
};

class LMDBTransaction : public Transaction {
 public:
  LMDBTransaction(const LMDBEnvironment& env, const string& source) : env_(env), source_(source) {}
  void Put(const string& key, const string& value) override { records_.emplace_back(key, value); }
  void Commit() override;

 private:
  int TryCommit();

  LMDBEnvironment env_;
  string source_;
  // Kept until Commit: where they do not fit, the map has to grow outside of a transaction.
  std::vector<std::pair<string, string>> records_;
};

/// An LMDB folder (data.mdb). The file is checked before it is read. Reading needs no write
/// permission there: where the lock file cannot be made, LMDB's locks are left out.
class LMDB : public DB {
 public:
  LMDB() = default;
  ~LMDB() override { Close(); }
  void Open(const string& source, Mode mode) override;
  void Close() override { env_.reset(); }
  LMDBCursor* NewCursor() override;
  LMDBTransaction* NewTransaction() override;

 private:
  LMDBEnvironment env_;
  string source_;
};

}  // namespace db
}  // namespace caffe

#endif  // USE_LMDB

#endif  // CAFFE_UTIL_DB_LMDB_HPP_
