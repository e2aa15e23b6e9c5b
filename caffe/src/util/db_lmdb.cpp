#include "caffe/util/db_lmdb.hpp"

#ifdef USE_LMDB

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

#include "util/lmdb_check.hpp"

namespace caffe {
namespace db {

namespace {

// Room that a database being written starts with; it is doubled as often as needed.
const size_t kFirstMapSize = size_t(64) << 20;

string Text(const MDB_val& bytes) {
  return string(static_cast<const char*>(bytes.mv_data), bytes.mv_size);
}

MDB_dbi OpenMainTable(MDB_txn* transaction, const string& source) {
  MDB_dbi table = 0;
  CheckMdb(mdb_dbi_open(transaction, nullptr, 0, &table), source);
  return table;
}

// Opens an environment; LMDB wants it closed even where that failed.
int TryOpen(const string& source, unsigned flags, LMDBEnvironment* env) {
  MDB_env* made = nullptr;
  CheckMdb(mdb_env_create(&made), source);
  env->reset(made, mdb_env_close);
  return mdb_env_open(made, source.c_str(), flags, 0664);
}

// Begins to read. Readers that were killed keep their places in LMDB's table until somebody asks it
// to look, or nobody has the database open.
int TryRead(MDB_env* env, MDB_txn** transaction) {
  const int status = mdb_txn_begin(env, nullptr, MDB_RDONLY, transaction);
  int dead = 0;
  if (status != MDB_READERS_FULL || mdb_reader_check(env, &dead) != MDB_SUCCESS) return status;
  return mdb_txn_begin(env, nullptr, MDB_RDONLY, transaction);
}

}  // namespace

void CheckMdb(int status, const string& what) {
  if (status != MDB_SUCCESS) LOG(FATAL) << "LMDB " + what + ": " + mdb_strerror(status);
}

// ---- LMDBCursor ----

LMDBCursor::LMDBCursor(const LMDBEnvironment& env, MDB_txn* transaction, MDB_cursor* cursor,
                       const string& source)
    : env_(env), transaction_(transaction), cursor_(cursor), source_(source) {}

LMDBCursor::~LMDBCursor() {
  mdb_cursor_close(cursor_);
  mdb_txn_abort(transaction_);
}

void LMDBCursor::Seek(MDB_cursor_op op) {
  const int status = mdb_cursor_get(cursor_, &key_, &value_, op);
  valid_ = status == MDB_SUCCESS;
  if (status != MDB_NOTFOUND) CheckMdb(status, source_);
}

string LMDBCursor::key() {
  CHECK(valid_) << "no record behind the last one of " << source_;
  return Text(key_);
}

string LMDBCursor::value() {
  CHECK(valid_) << "no record behind the last one of " << source_;
  return Text(value_);
}

// ---- LMDBTransaction ----

int LMDBTransaction::TryCommit() {
  MDB_txn* transaction = nullptr;
  int status = mdb_txn_begin(env_.get(), nullptr, 0, &transaction);
  if (status != MDB_SUCCESS) return status;
  MDB_dbi table = 0;
  status = mdb_dbi_open(transaction, nullptr, 0, &table);
  for (size_t i = 0; i < records_.size() && status == MDB_SUCCESS; ++i) {
    MDB_val key{records_[i].first.size(), &records_[i].first[0]};
    MDB_val value{records_[i].second.size(), &records_[i].second[0]};
    status = mdb_put(transaction, table, &key, &value, 0);
  }
  if (status == MDB_SUCCESS) return mdb_txn_commit(transaction);
  mdb_txn_abort(transaction);
  return status;
}

void LMDBTransaction::Commit() {
  int status = TryCommit();
  while (status == MDB_MAP_FULL) {
    MDB_envinfo info;
    CheckMdb(mdb_env_info(env_.get(), &info), source_);
    CheckMdb(mdb_env_set_mapsize(env_.get(), info.me_mapsize * 2), source_);
    status = TryCommit();
  }
  // LMDB says so where a part of the bytes was written.
  if (status == EIO) LOG(FATAL) << "LMDB cannot write all of " + source_ + ": is the disk full?";
  CheckMdb(status, "cannot write " + source_);
  records_.clear();
}

// ---- LMDB ----

void LMDB::Open(const string& source, Mode mode) {
  Close();
  source_ = source;
  if (mode == NEW && mkdir(source.c_str(), 0755) != 0) {
    LOG(FATAL) << "cannot make the database " + source + ": " + std::strerror(errno);
  }
  if (mode == WRITE) mkdir(source.c_str(), 0755);
  if (mode == READ) CheckLmdbFile(source + "/data.mdb");
  const unsigned flags = mode == READ ? MDB_RDONLY | MDB_NOTLS : 0;
  int status = TryOpen(source, flags, &env_);
  if (mode == READ && (status == EACCES || status == EROFS || status == EPERM)) {
    status = TryOpen(source, flags | MDB_NOLOCK, &env_);
  }
  if (status != MDB_SUCCESS) Close();
  CheckMdb(status, "cannot open " + source);
  if (mode == READ) return;
  MDB_envinfo info;
  CheckMdb(mdb_env_info(env_.get(), &info), source_);
  if (info.me_mapsize < kFirstMapSize) {
    CheckMdb(mdb_env_set_mapsize(env_.get(), kFirstMapSize), source_);
  }
}

LMDBCursor* LMDB::NewCursor() {
  CHECK(env_) << "the database is not open";
  MDB_txn* transaction = nullptr;
  const int status = TryRead(env_.get(), &transaction);
  if (status == MDB_READERS_FULL) {
    LOG(FATAL) << "LMDB " + source_ +
                      " has as many readers as it can have at once: end one of them";
  }
  CheckMdb(status, source_);
  MDB_cursor* cursor = nullptr;
  try {
    CheckMdb(mdb_cursor_open(transaction, OpenMainTable(transaction, source_), &cursor), source_);
  } catch (...) {
    mdb_txn_abort(transaction);
    throw;
  }
  std::unique_ptr<LMDBCursor> made(new LMDBCursor(env_, transaction, cursor, source_));
  made->SeekToFirst();
  return made.release();
}

LMDBTransaction* LMDB::NewTransaction() {
  CHECK(env_) << "the database is not open";
  return new LMDBTransaction(env_, source_);
}

}  // namespace db
}  // namespace caffe

#endif  // USE_LMDB
