#ifndef CAFFE_PYTHON_BINDINGS_HPP_
#define CAFFE_PYTHON_BINDINGS_HPP_

/// What the files of the extension module caffe._caffe share. The module is the thin lower half of
/// the package: it converts and calls; names, defaults and dictionaries are made in Python.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/shared_ptr.hpp>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "caffe/net.hpp"

PYBIND11_DECLARE_HOLDER_TYPE(T, boost::shared_ptr<T>)

namespace caffe {
namespace python {

namespace py = pybind11;

using BlobPtr = boost::shared_ptr<Blob<float>>;
using LayerPtr = boost::shared_ptr<Layer<float>>;
using NetPtr = boost::shared_ptr<Net<float>>;

struct RunMutex;

/// What Python knows as a Blob. It owns the blob together with the net, and may outlive that. A
/// blob that nobody shares (a member of a layer around a Python layer, say) is borrowed for as long
/// as that lives.
struct BlobHandle {
  explicit BlobHandle(BlobPtr owned, std::shared_ptr<RunMutex> run = nullptr)
      : blob(std::move(owned)), mutex(std::move(run)) {}
  explicit BlobHandle(Blob<float>* handed, std::shared_ptr<RunMutex> run = nullptr)
      : blob(handed->weak_from_this().lock()), mutex(std::move(run)) {
    if (!blob) blob.reset(handed, [](Blob<float>*) {});
  }

  BlobPtr blob;
  /// Of the net, where it is known: its runs and what Python does with the blob take turns.
  std::shared_ptr<RunMutex> mutex;
};

/// A name or text of a file as Python's str. Files need not be in UTF-8: other bytes become
/// surrogates, as in os.fsdecode().
inline py::str Text(const std::string& text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), text.size(), "surrogateescape"));
}

inline py::list Texts(const std::vector<std::string>& texts) {
  py::list list;
  for (const std::string& text : texts) list.append(Text(text));
  return list;
}

/// The parameters of a layer, as Python's sequence of Blobs.
struct BlobVec {
  LayerPtr layer;
  /// As that of a BlobHandle.
  std::shared_ptr<RunMutex> mutex;
};

/// The blobs of a Python layer's call, as a list of Blobs.
std::vector<BlobHandle> Borrow(const std::vector<Blob<float>*>& blobs);

/// A writable NumPy array over the blob's present values (or diffs). It keeps that memory alive,
/// also when the blob is reshaped, or deleted with its net.
py::array DataView(const Blob<float>& blob);
py::array DiffView(const Blob<float>& blob);

/// Makes the arrays of Python and the blobs agree where a blob's newest contents are in a private
/// layout: to be called (with the GIL) before the runtime reads the blobs, because an array may
/// have been written to, and after it has written them, because an array may be read.
void SyncViews(const Net<float>& net);
/// The same for these blobs alone.
void SyncViews(const std::vector<Blob<float>*>& blobs);

void BindBlob(py::module_& m);
void BindLayer(py::module_& m);
void BindNet(py::module_& m);
void BindSolver(py::module_& m);
/// Makes Python layers known to all nets of the process.
void RegisterPythonLayer();

}  // namespace python
}  // namespace caffe

#endif  // CAFFE_PYTHON_BINDINGS_HPP_
