// OpenCV's functions for image files under their own names, from its library, which the first call
// loads. ImageCodecs.cmake says why, and which.
#include <opencv2/imgcodecs.hpp>

#ifdef IMGCODECS_NAME

#include <string>

#include <dlfcn.h>

namespace {

const char* const kFunctions[] = {IMGCODECS_FUNCTIONS};
enum { kDecode, kEncode };

// Stays loaded until the process ends.
void* Library() {
  for (const char* name : {IMGCODECS_NAME, IMGCODECS_FOLDER "/" IMGCODECS_NAME}) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  CV_Error(cv::Error::StsError,
           std::string("OpenCV's library for images cannot be loaded: ") + dlerror());
}

// The library's function, by the name that compilers give it.
template <typename Function>
Function* Load(int which) {
  static void* const library = Library();
  void* const symbol = dlsym(library, kFunctions[which]);
  if (!symbol) CV_Error(cv::Error::StsError, dlerror());
  return reinterpret_cast<Function*>(symbol);
}

}  // namespace

namespace cv {

Mat imdecode(InputArray buffer, int flags) {
  static const auto decode = Load<Mat(InputArray, int)>(kDecode);
  return decode(buffer, flags);
}

bool imencode(const String& extension, InputArray image, std::vector<uchar>& buffer,
              const std::vector<int>& parameters) {
  static const auto encode =
      Load<bool(const String&, InputArray, std::vector<uchar>&, const std::vector<int>&)>(kEncode);
  return encode(extension, image, buffer, parameters);
}

}  // namespace cv

#endif  // IMGCODECS_NAME
