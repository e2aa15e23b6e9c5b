#include "new_database.hpp"

#include <filesystem>
#include <system_error>

namespace caffe {
namespace tools {

namespace {

const int kRecordsOfCommit = 1000;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

}  // namespace

NewDatabase::NewDatabase(const std::string& path, const std::string& backend)
    : path_(path), database_(db::GetDB(backend)) {
  if (Exists(path)) throw Error(path + " exists: remove it, or name another database");
  database_->Open(path, db::NEW);
  transaction_.reset(database_->NewTransaction());
}

NewDatabase::~NewDatabase() {
  transaction_.reset();
  database_.reset();
  std::error_code error;
  if (!kept_) std::filesystem::remove_all(path_, error);
}

bool NewDatabase::Put(const std::string& key, const std::string& value) {
  transaction_->Put(key, value);
  if (++size_ % kRecordsOfCommit != 0) return false;
  transaction_->Commit();
  return true;
}

void NewDatabase::Finish() {
  if (size_ % kRecordsOfCommit != 0) transaction_->Commit();
}

}  // namespace tools
}  // namespace caffe
