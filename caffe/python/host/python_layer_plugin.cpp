// Makes layer type "Python" known to programs that have no Python interpreter, such as the caffe
// command. The first net with such a layer loads libpython, starts an interpreter and imports the
// package caffe, whose extension module then takes the type over. Inside Python the package has
// done so already, and nothing here is ever called.
#include <climits>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <Python.h>
#include <dlfcn.h>
#include <unistd.h>

#include "caffe/layer_factory.hpp"
#include "caffe/net.hpp"

namespace caffe {
namespace {

const char kLibrary[] = PYTHON_LIBRARY_NAME;

/// The folder three levels above this library: <prefix>/lib/caffe/plugins/<library>.
std::string InstallPrefix() {
  Dl_info info;
  char path[PATH_MAX];
  if (!dladdr(reinterpret_cast<const void*>(&kLibrary), &info) || !realpath(info.dli_fname, path)) {
    return "";
  }
  std::string prefix = path;
  for (int level = 0; level < 4; ++level) {
    const size_t slash = prefix.rfind('/');
    if (slash == std::string::npos) return "";
    prefix.resize(slash);
  }
  return prefix;
}

#define PYTHON_FUNCTION(library, name) (library).Get(#name, static_cast<decltype(&name)>(nullptr))

/// The functions of libpython that are used here, looked up by name.
class PythonLibrary {
 public:
  PythonLibrary() {
    // First that of the interpreter, whose standard library will be used: the system may have
    // another of the same name. Global: extension modules expect to find Python's symbols.
    const std::string in_folder = std::string(PYTHON_LIBRARY_FOLDER) + "/" + kLibrary;
    handle_ = dlopen(in_folder.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (!handle_) handle_ = dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL);
    if (!handle_) {
      LOG(FATAL) << "a layer of type Python needs " << kLibrary
                 << ", which is not installed (on Debian/Ubuntu: apt-get install lib" << PYTHON_NAME
                 << ")";
    }
    const std::string text = PYTHON_FUNCTION(*this, Py_GetVersion)();
    const std::string version = text.substr(0, text.find_first_not_of("0123456789."));
    if (version != PYTHON_FULL_VERSION) {
      LOG(WARNING) << kLibrary << " is that of Python " << version
                   << ", the package caffe was built for " << PYTHON_FULL_VERSION
                   << ": some modules may fail; build Python with --enable-shared, or caffe for "
                      "the Python that the library belongs to";
    }
  }

  template <typename Function>
  Function* Get(const char* name, Function*) const {
    void* symbol = dlsym(handle_, name);
    CHECK(symbol) << kLibrary << " has no function " << name;
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  void* handle_;
};

/// The interpreter whose environment has the packages: that of the place where this library is
/// installed, else that of the active virtual environment; empty: the first one on PATH.
std::string FindInterpreter() {
  std::vector<std::string> prefixes = {InstallPrefix()};
  if (const char* active = std::getenv("VIRTUAL_ENV")) prefixes.push_back(active);
  for (const std::string& prefix : prefixes) {
    const std::string program = prefix + "/bin/" PYTHON_NAME;
    if (!prefix.empty() && access(program.c_str(), X_OK) == 0) return program;
  }
  return "";
}

void StartInterpreter(const PythonLibrary& python) {
  PyConfig config;
  PYTHON_FUNCTION(python, PyConfig_InitPythonConfig)(&config);
  // Signals are the program's business: Ctrl-C makes `caffe train` write a snapshot.
  config.install_signal_handlers = 0;
  const std::string program = FindInterpreter();
  if (!program.empty()) {
    PYTHON_FUNCTION(python, PyConfig_SetBytesString)
    (&config, &config.program_name, program.c_str());
  }
  const PyStatus status = PYTHON_FUNCTION(python, Py_InitializeFromConfig)(&config);
  PYTHON_FUNCTION(python, PyConfig_Clear)(&config);
  if (PYTHON_FUNCTION(python, PyStatus_Exception)(status)) {
    LOG(FATAL) << "Python cannot be started: "
               << (status.err_msg ? status.err_msg : "unknown reason");
  }
}

/// Imports the package caffe, from where this library is installed if from nowhere else. Layers'
/// modules may lie in the current folder, as with `python train.py`.
void ImportCaffe(const PythonLibrary& python) {
  const std::string code =
      "import os, sys\n"
      "sys.path.append(os.getcwd())\n"
      "sys.path.append(r'''" +
      InstallPrefix() +
      "/lib/" PYTHON_NAME
      "/site-packages''')\n"
      "if not getattr(sys, 'argv', None): sys.argv = ['caffe']\n"
      "import caffe\n";
  if (PYTHON_FUNCTION(python, PyRun_SimpleStringFlags)(code.c_str(), nullptr) != 0) {
    LOG(FATAL) << "the Python package caffe cannot be imported (see above): activate the virtual "
                  "environment it is installed in";
  }
}

/// Ends what Python code has started, as an interpreter does at its end: waits for threads, calls
/// what is registered with atexit (multiprocessing ends its processes so), writes out what has been
/// printed. The interpreter itself stays, because layers may outlive this.
void EndPython(const PythonLibrary& python) {
  const PyGILState_STATE state = PYTHON_FUNCTION(python, PyGILState_Ensure)();
  PYTHON_FUNCTION(python, PyRun_SimpleStringFlags)
  ("import atexit, sys, threading\n"
   "try:\n"
   "    threading._shutdown()\n"
   "finally:\n"
   "    atexit._run_exitfuncs()\n"
   "    sys.stdout.flush()\n",
   nullptr);
  PYTHON_FUNCTION(python, PyGILState_Release)(state);
}

shared_ptr<Layer<float>> CreateWithPython(const LayerParameter& param);

void BringUpPython() {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (LayerRegistry<float>::Registry()["Python"] != &CreateWithPython) return;
  static const PythonLibrary python;
  StartInterpreter(python);
  ImportCaffe(python);
  // Layers take the interpreter's lock when they run, whatever thread they run in.
  PYTHON_FUNCTION(python, PyEval_SaveThread)();
  static const pid_t process = getpid();
  std::atexit([] {
    // Not in processes that Python code forked: these are not theirs to end.
    if (getpid() == process) EndPython(python);
  });
  if (LayerRegistry<float>::Registry()["Python"] == &CreateWithPython) {
    LOG(FATAL) << "the Python package caffe belongs to another libcaffe than this program: install "
                  "both from the same build";
  }
}

shared_ptr<Layer<float>> CreateWithPython(const LayerParameter& param) {
  BringUpPython();
  return LayerRegistry<float>::CreateLayer(param);
}

// Not REGISTER_LAYER_CREATOR: inside Python the type has been taken already, rightly.
[[maybe_unused]] const bool registered =
    LayerRegistry<float>::Registry().emplace("Python", &CreateWithPython).second;

}  // namespace
}  // namespace caffe
