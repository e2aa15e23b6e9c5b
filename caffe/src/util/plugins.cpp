#include "caffe/util/plugins.hpp"

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>

#include <dlfcn.h>
#include <glob.h>

#include "caffe/common.hpp"

namespace caffe {

namespace {

struct State {
  std::recursive_mutex mutex;
  // Of each library that was opened: what its static initialisers complained of. They run once, so
  // a second attempt would hear nothing.
  std::map<void*, std::string> errors;
  bool defaults_done = false;
};

State& TheState() {
  static State* state = new State();
  return *state;
}

// What went wrong in the static initialisers of the plug-in that this thread is loading.
thread_local std::string* registration_errors = nullptr;

class CollectErrors {
 public:
  CollectErrors() : outer_(registration_errors) { registration_errors = &errors_; }
  ~CollectErrors() { registration_errors = outer_; }
  const std::string& errors() const { return errors_; }

 private:
  std::string errors_;
  // A plug-in's initialisers may load another one.
  std::string* const outer_;
};

std::vector<std::string> SharedLibraries(const std::string& folder) {
  glob_t found = {};
  std::vector<std::string> files;
  if (glob((folder + "/*.so").c_str(), 0, nullptr, &found) == 0) {
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  return files;
}

std::vector<std::string> FromEnvironment() {
  const char* value = std::getenv("CAFFE_PLUGINS");
  std::istringstream list(value ? value : "");
  std::vector<std::string> paths;
  for (std::string path; std::getline(list, path, ':');) {
    if (!path.empty()) paths.push_back(path);
  }
  return paths;
}

// Throws where a library brings the messages of caffe.proto: libcaffe has them under the same
// names, and protobuf ends the process over that, or the code of the ones reads the memory of the
// others. It is recognised by what protoc writes into the code: a file's package, and the names in
// it.
void CheckMessages(const std::string& path, const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  const size_t package = bytes.find(".proto\022\005caffe");
  CHECK(package == std::string::npos ||
        bytes.find("\n\016LayerParameter\022", package) == std::string::npos)
      << "plug-in " << path << " contains a caffe.proto of its own: build it without caffe.pb.cc, "
      << "and give messages that you need a package of their own (docs/adding-a-layer.md)";
}

// What may have been forgotten where a library cannot be loaded.
const char* Hint(const std::string& reason) {
  const size_t symbol = reason.find("undefined symbol: _Z");
  if (symbol == std::string::npos || reason.find("5caffe", symbol) == std::string::npos) return "";
  return "; link it with libcaffe (-lcaffe), if it is not; else it uses what libcaffe does not "
         "have";
}

}  // namespace

bool plugins::KeepRegistrationError(const std::string& message) {
  if (!registration_errors) return false;
  // A layer is registered for float and for double.
  if (registration_errors->find(message) != std::string::npos) return true;
  if (!registration_errors->empty()) *registration_errors += "; ";
  *registration_errors += message;
  return true;
}

void LoadPlugin(const std::string& path) {
  State& state = TheState();
  const std::lock_guard<std::recursive_mutex> lock(state.mutex);
  CollectErrors collect;
  // A name without a slash would be searched in the system's library folders only.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  CheckMessages(path, file);
  // Local: what libcaffe links must not stand in for the libraries of other Python modules; h5py
  // brings an HDF5 of its own.
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const std::string reason = dlerror();
    CHECK(reason.find("undefined symbol: caffe_headers_") == std::string::npos)
        << "plug-in " << path << " was built for another version of this runtime: build it again";
    LOG(FATAL) << "plug-in " << path << " cannot be loaded: " << reason << Hint(reason);
  }
  const auto opened = state.errors.emplace(handle, collect.errors());
  const std::string& errors = opened.first->second;
  if (!errors.empty()) LOG(FATAL) << "plug-in " << path << ": " << errors;
  if (!opened.second) return;
  VLOG(1) << "Loaded plug-in " << path;
}

std::string PluginFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&PluginFolder), &info) || !info.dli_fname) return "";
  const std::string library = info.dli_fname;
  const size_t slash = library.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : library.substr(0, slash);
  return folder + "/caffe/plugins";
}

void LoadDefaultPlugins() {
  State& state = TheState();
  const std::lock_guard<std::recursive_mutex> lock(state.mutex);
  if (state.defaults_done) return;
  state.defaults_done = true;
  for (const std::string& file : SharedLibraries(PluginFolder())) {
    try {
      LoadPlugin(file);
    } catch (const Error& error) {
      LOG(WARNING) << error.what();
    }
  }
  for (const std::string& path : FromEnvironment()) LoadPlugin(path);
}

}  // namespace caffe
