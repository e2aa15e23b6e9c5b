#include "arrays.hpp"
#include "core/processor_quota.hpp"

PYBIND11_MODULE(_core, m) {
  m.doc() = "DCME's algorithms in C++; use them through the functions of the package dcme.";
  dcme::bind_encoding(m);
  dcme::bind_grid(m);
  dcme::bind_lists(m);
  dcme::bind_decoding(m);
  dcme::bind_evaluation(m);
  m.def("processor_quota", &caffe::ProcessorQuota, pybind11::arg("root") = "");
}
