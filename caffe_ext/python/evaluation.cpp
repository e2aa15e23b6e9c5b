#include <algorithm>
#include <optional>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "dcme/evaluate_files.hpp"
#include "dcme/grey_png.hpp"
#include "image_codecs/whole_picture.hpp"

namespace dcme {
namespace {

EvaluationOptions options_of(const ClassMap& classes, const std::vector<int>& void_ids,
                             bool class_agnostic, const std::vector<double>& distances) {
  EvaluationOptions options;
  options.classes = classes;
  options.void_ids = void_ids;
  options.class_agnostic = class_agnostic;
  for (double metres : distances) options.ranges.push_back(EvaluationOptions::within(metres));
  return options;
}

using Distances = std::map<int, std::pair<double, double>>;

std::map<int, InstanceDistance> to_distances(const Distances& given) {
  std::map<int, InstanceDistance> distances;
  for (const auto& [id, values] : given) distances[id] = {values.first, values.second};
  return distances;
}

// An ImageMatcher together with the array it reads.
struct BoundMatcher {
  Array<uint16_t> ids;
  ImageMatcher matcher;

  BoundMatcher(const Evaluator& evaluator, const Array<uint16_t>& ids, const Distances& distances)
      : ids(ids), matcher(evaluator.options(), plane_of(ids), to_distances(distances)) {}

  void add_mask(const Array<uint8_t>& mask, int label, double confidence) {
    const auto plane = plane_of(mask);
    py::gil_scoped_release release;
    matcher.add_mask(plane, label, confidence);
  }

  void add_label_map(const Array<int32_t>& map, const std::vector<int>& labels,
                     const std::vector<double>& confidences) {
    const auto plane = plane_of(map);
    py::gil_scoped_release release;
    matcher.add_label_map(plane, labels, confidences);
  }

  void add_instances(const Instances& instances, const std::vector<int>& labels,
                     const std::vector<double>& confidences) {
    require(labels.size() == instances.list.size() && confidences.size() == labels.size(),
            "labels and confidences must be as many as the instances");
    py::gil_scoped_release release;
    for (size_t k = 0; k < labels.size(); ++k) {
      matcher.add_spans(instances.list[k].spans, instances.rows, instances.cols, labels[k],
                        confidences[k]);
    }
  }
};

// A LabelMapMatcher together with the arrays it reads.
struct BoundLabelMapMatcher {
  Array<int32_t> truth;
  std::optional<Array<int32_t>> silent;
  LabelMapMatcher matcher;

  BoundLabelMapMatcher(const Array<int32_t>& truth, const std::optional<Array<int32_t>>& silent)
      : truth(truth),
        silent(silent),
        matcher(plane_of(truth), silent ? plane_of(*silent) : Plane<const int32_t>()) {}

  void add(const Array<int32_t>& predicted) {
    const auto plane = plane_of(predicted);
    py::gil_scoped_release release;
    matcher.add(plane);
  }

  MatchCounts counts(double iou) const { return count_matches(matcher.record(), iou); }
};

using PredictionFile = std::tuple<std::string, int, double>;  // mask, label, confidence

// Labels of the ground truth, and the counts.
using PythonComparison = std::pair<std::vector<int>, std::vector<MatchCounts>>;

PythonComparison to_python(const Comparison& found) { return {found.truth_labels, found.counts}; }

PythonComparison add_files(const std::vector<Evaluator*>& evaluators, const std::string& truth,
                           const std::vector<PredictionFile>& predictions,
                           const Distances& distances, const std::vector<double>& ious) {
  std::vector<MaskFile> masks;
  for (const auto& [path, label, confidence] : predictions) {
    masks.push_back({path, label, confidence});
  }
  return to_python(evaluate_files(evaluators, truth, masks, to_distances(distances), ious));
}

PythonComparison add_label_map(const std::vector<Evaluator*>& evaluators, const std::string& truth,
                               const Array<int32_t>& map, const std::vector<int>& labels,
                               const std::vector<double>& confidences, const Distances& distances,
                               const std::vector<double>& ious) {
  const auto plane = plane_of(map);
  const py::gil_scoped_release release;
  return to_python(evaluate_label_map(evaluators, truth, plane, labels, confidences,
                                      to_distances(distances), ious));
}

py::dict results_of(const Evaluator& evaluator) {
  const EvaluationResult result = evaluator.results();
  const auto size = [](size_t n) { return static_cast<py::ssize_t>(n); };
  Array<double> ap(
      {size(result.ap.size()), size(result.classes.size()), size(result.thresholds.size())});
  double* next = ap.mutable_data();
  for (const auto& range : result.ap) {
    for (const auto& one_class : range) next = std::copy(one_class.begin(), one_class.end(), next);
  }
  py::dict dict;
  dict["classes"] = result.classes;
  dict["thresholds"] = result.thresholds;
  dict["ap"] = ap;
  dict["truths"] = result.truths;
  dict["predictions"] = result.predictions;
  return dict;
}

Distances distances_of(const Array<uint16_t>& ids, const Array<uint16_t>& disparity,
                       double baseline, double focal_length) {
  const auto id_plane = plane_of(ids), disparity_plane = plane_of(disparity);
  const py::gil_scoped_release release;
  Distances distances;
  for (const auto& [id, distance] :
       instance_distances(id_plane, disparity_plane, {baseline, focal_length})) {
    distances[id] = {distance.metres, distance.confidence};
  }
  return distances;
}

py::array grey_png(const std::string& path) {
  GreyImage image;
  {
    py::gil_scoped_release release;
    read_grey_png(path, image);
  }
  const std::vector<py::ssize_t> shape = {image.rows, image.cols};
  if (image.is_16_bit) return Array<uint16_t>(shape, image.words().data);
  return Array<uint8_t>(shape, image.values.data());
}

}  // namespace

void bind_evaluation(py::module_& m) {
  m.attr("CITYSCAPES_VOID") = py::tuple(py::cast(EvaluationOptions().void_ids));
  py::class_<Evaluator>(m, "Evaluator")
      .def(py::init([](const ClassMap& classes, const std::vector<int>& void_ids,
                       bool class_agnostic, const std::vector<double>& distances) {
             return std::make_unique<Evaluator>(
                 options_of(classes, void_ids, class_agnostic, distances));
           }),
           py::arg("classes"), py::arg("void_ids"), py::arg("class_agnostic"), py::arg("distances"))
      .def(
          "add",
          [](Evaluator& evaluator, const BoundMatcher& image) {
            py::gil_scoped_release release;
            evaluator.add(image.matcher.record());
          },
          py::arg("image"))
      .def("results", &results_of);
  py::class_<MatchCounts>(m, "MatchCounts")
      .def_readonly("found", &MatchCounts::found)
      .def_readonly("invented", &MatchCounts::invented)
      .def_readonly("missed", &MatchCounts::missed)
      .def_readonly("iou_sum", &MatchCounts::iou_sum);
  m.def("add_files", &add_files, py::arg("evaluators"), py::arg("truth"), py::arg("predictions"),
        py::arg("distances"), py::arg("ious"), py::call_guard<py::gil_scoped_release>());
  m.def("add_label_map", &add_label_map, py::arg("evaluators"), py::arg("truth"),
        py::arg("label_map").noconvert(), py::arg("labels"), py::arg("confidences"),
        py::arg("distances"), py::arg("ious"));
  py::class_<BoundMatcher>(m, "ImageMatcher")
      .def(py::init<const Evaluator&, const Array<uint16_t>&, const Distances&>(),
           py::arg("evaluator"), py::arg("ids").noconvert(), py::arg("distances"))
      .def("add_mask", &BoundMatcher::add_mask, py::arg("mask").noconvert(), py::arg("label"),
           py::arg("confidence"))
      .def("add_label_map", &BoundMatcher::add_label_map, py::arg("label_map").noconvert(),
           py::arg("labels"), py::arg("confidences"))
      .def("add_instances", &BoundMatcher::add_instances, py::arg("instances"), py::arg("labels"),
           py::arg("confidences"));
  m.def("instance_distances", &distances_of, py::arg("ids").noconvert(),
        py::arg("disparity").noconvert(), py::arg("baseline"), py::arg("focal_length"));
  m.def("read_grey_png", &grey_png, py::arg("path"));
  m.def(
      "picture_problem",
      [](const py::bytes& content) {
        return image_codecs::picture_problem(std::string_view(content));
      },
      py::arg("content"));
  py::class_<BoundLabelMapMatcher>(m, "LabelMapMatcher")
      .def(py::init<const Array<int32_t>&, const std::optional<Array<int32_t>>&>(),
           py::arg("truth").noconvert(), py::arg("silent").noconvert())
      .def("add", &BoundLabelMapMatcher::add, py::arg("predicted").noconvert())
      .def("counts", &BoundLabelMapMatcher::counts, py::arg("iou"));
}

}  // namespace dcme
