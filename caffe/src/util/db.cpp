#include "caffe/util/db.hpp"

#include "caffe/util/db_leveldb.hpp"
#include "caffe/util/db_lmdb.hpp"

namespace caffe {
namespace db {

DB* GetDB(DataParameter::DB backend) {
  switch (backend) {
#ifdef USE_LEVELDB
    case DataParameter_DB_LEVELDB:
      return new LevelDB();
#endif
#ifdef USE_LMDB
    case DataParameter_DB_LMDB:
      return new LMDB();
#endif
    default:
      LOG(FATAL)
          << "this build has no " + DataParameter_DB_Name(backend) +
                 ": for an LMDB say `backend: LMDB`; for LevelDB build with -DUSE_LEVELDB=ON";
  }
}

DB* GetDB(const string& backend) {
  if (backend == "lmdb") return GetDB(DataParameter_DB_LMDB);
  if (backend == "leveldb") return GetDB(DataParameter_DB_LEVELDB);
  LOG(FATAL) << "unknown database backend '" + backend + "': lmdb and leveldb exist";
}

}  // namespace db
}  // namespace caffe
