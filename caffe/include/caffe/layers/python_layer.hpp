#ifndef CAFFE_PYTHON_LAYER_HPP_
#define CAFFE_PYTHON_LAYER_HPP_

#include <vector>

#include "caffe/layer.hpp"

namespace caffe {

/// A layer whose class is written in Python: a subclass of caffe.Layer with the methods
/// setup(bottom, top), reshape(bottom, top), forward(bottom, top) and
/// backward(top, propagate_down, bottom), named by python_param { module layer }.
///
/// The object is the C++ half of the Python instance, which gets the attributes param_str and phase
/// before setup. Exceptions of the Python code come through as they are. Its members are part of
/// the extension module caffe._caffe, for float only: libcaffe itself does not need Python.
template <typename Dtype>
class PythonLayer : public Layer<Dtype> {
 public:
  explicit PythonLayer(const LayerParameter& param) : Layer<Dtype>(param) {}

  void LayerSetUp(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Reshape(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  inline const char* type() const override { return "Python"; }

  /// The bytes that an optional method save_state() returns; restore_state(bytes) gets them back.
  void SaveState(LayerState* state) const override;
  void RestoreState(const LayerState& state) override;

 protected:
  void Forward_cpu(const vector<Blob<Dtype>*>& bottom, const vector<Blob<Dtype>*>& top) override;
  void Backward_cpu(const vector<Blob<Dtype>*>& top, const vector<bool>& propagate_down,
                    const vector<Blob<Dtype>*>& bottom) override;
};

}  // namespace caffe

#endif  // CAFFE_PYTHON_LAYER_HPP_
