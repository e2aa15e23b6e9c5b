#include <algorithm>

#include <pybind11/stl.h>

#include "arrays.hpp"
#include "dcme/evaluate.hpp"
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

// 0 stays 0 and everything else becomes 255.
GreyImage with_8_bits(const GreyImage& wide) {
  GreyImage narrow;
  narrow.rows = wide.rows;
  narrow.cols = wide.cols;
  const Plane<const uint16_t> words = wide.words();
  narrow.values.resize(words.size());
  std::transform(words.data, words.data + words.size(), narrow.values.begin(),
                 [](uint16_t value) { return static_cast<uint8_t>(value ? 255 : 0); });
  return narrow;
}

using PredictionFile = std::tuple<std::string, int, double>;  // mask, label, confidence

// The labels in the ground truth and the match counts, regardless of classes, at each of the IoUs.
using Comparison = std::pair<std::vector<int>, std::vector<MatchCounts>>;

// Compares an image's predictions, which `predict` adds to the matchers it is given, with its
// ground truth file and adds the outcome to all evaluators.
template <typename Predict>
Comparison compare(const std::vector<Evaluator*>& evaluators, const std::string& truth_path,
                   const Distances& distances, const std::vector<double>& ious, Predict predict) {
  require(!evaluators.empty(), "files are added to at least one evaluator");
  GreyImage truth;
  read_grey_png(truth_path, truth);
  if (!truth.is_16_bit) {
    throw std::invalid_argument(truth_path +
                                ": has 8 bits; ids 1000 * label + k of a ground truth need 16");
  }
  std::vector<ImageMatcher> matchers;
  for (const Evaluator* evaluator : evaluators) {
    matchers.emplace_back(evaluator->options(), truth.words(), to_distances(distances));
  }
  EvaluationOptions agnostic = evaluators[0]->options();
  agnostic.class_agnostic = true;
  matchers.emplace_back(agnostic, truth.words());
  predict(matchers);
  for (size_t i = 0; i < evaluators.size(); ++i) evaluators[i]->add(matchers[i].record());
  std::vector<MatchCounts> counts;
  for (double iou : ious) counts.push_back(count_matches(matchers.back().record(), iou));
  return {matchers.back().truth_labels(), counts};
}

Comparison add_files(const std::vector<Evaluator*>& evaluators, const std::string& truth,
                     const std::vector<PredictionFile>& predictions, const Distances& distances,
                     const std::vector<double>& ious) {
  return compare(evaluators, truth, distances, ious, [&](std::vector<ImageMatcher>& matchers) {
    GreyImage mask;
    for (const auto& [path, label, confidence] : predictions) {
      read_grey_png(path, mask);
      if (mask.is_16_bit) mask = with_8_bits(mask);
      try {
        for (ImageMatcher& matcher : matchers) matcher.add_mask(mask.bytes(), label, confidence);
      } catch (const std::invalid_argument& error) {
        throw std::invalid_argument(path + ": " + error.what());
      }
    }
  });
}

// The pixels of each of the values 1..count of a label map; others belong to none.
std::vector<std::vector<Span>> spans_of(Plane<const int32_t> map, size_t count) {
  std::vector<std::vector<Span>> spans(count);
  for (int row = 0; row < map.rows; ++row) {
    const int32_t* values = map.row(row);
    for (int end = 0; end < map.cols;) {
      const int begin = end;
      const int32_t value = values[begin];
      while (end < map.cols && values[end] == value) ++end;
      if (value > 0 && static_cast<size_t>(value) <= count) {
        spans[value - 1].push_back({row, begin, end});
      }
    }
  }
  return spans;
}

Comparison add_label_map(const std::vector<Evaluator*>& evaluators, const std::string& truth,
                         const Array<int32_t>& labels_of_pixels, const std::vector<int>& labels,
                         const std::vector<double>& confidences, const Distances& distances,
                         const std::vector<double>& ious) {
  require(confidences.size() == labels.size(), "labels and confidences must be as many");
  const auto map = plane_of(labels_of_pixels);
  const py::gil_scoped_release release;
  return compare(evaluators, truth, distances, ious, [&](std::vector<ImageMatcher>& matchers) {
    const auto spans = spans_of(map, labels.size());
    for (ImageMatcher& matcher : matchers) {
      for (size_t k = 0; k < labels.size(); ++k) {
        matcher.add_spans(spans[k], map.rows, map.cols, labels[k], confidences[k]);
      }
    }
  });
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

py::tuple overlaps_of(const Array<int32_t>& a, const Array<int32_t>& b) {
  const auto plane_a = plane_of(a), plane_b = plane_of(b);
  std::vector<LabelOverlap> found;
  {
    py::gil_scoped_release release;
    found = label_overlaps(plane_a, plane_b);
  }
  const auto count = static_cast<py::ssize_t>(found.size());
  Array<int32_t> labels({count, py::ssize_t{2}});
  Array<int64_t> pixels(count);
  for (py::ssize_t i = 0; i < count; ++i) {
    labels.mutable_at(i, 0) = found[i].a;
    labels.mutable_at(i, 1) = found[i].b;
    pixels.mutable_at(i) = found[i].pixels;
  }
  return py::make_tuple(labels, pixels);
}

}  // namespace

void bind_evaluation(py::module_& m) {
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
      .def("add_instances", &BoundMatcher::add_instances, py::arg("instances"), py::arg("labels"),
           py::arg("confidences"));
  m.def("instance_distances", &distances_of, py::arg("ids").noconvert(),
        py::arg("disparity").noconvert(), py::arg("baseline"), py::arg("focal_length"));
  m.def("read_grey_png", &grey_png, py::arg("path"));
  m.def(
      "is_whole_picture",
      [](const py::bytes& content) {
        return image_codecs::is_whole_picture(std::string_view(content));
      },
      py::arg("content"));
  m.def("label_overlaps", &overlaps_of, py::arg("a").noconvert(), py::arg("b").noconvert());
}

}  // namespace dcme
