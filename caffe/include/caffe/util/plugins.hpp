#ifndef CAFFE_UTIL_PLUGINS_HPP_
#define CAFFE_UTIL_PLUGINS_HPP_

#include <string>

namespace caffe {

/// Plug-ins: shared libraries whose layers (REGISTER_LAYER_CLASS) and solvers register themselves
/// when the library is loaded. They stay loaded until the process ends.

/// Loads a plug-in, once. Throws Error, naming the file, where it cannot be loaded or registers a
/// type that exists already (the type that was there first is kept).
void LoadPlugin(const std::string& path);

/// Loads the plug-ins of the folder caffe/plugins beside libcaffe, then those that the environment
/// variable CAFFE_PLUGINS names (paths separated by colons). The first call does it, others return.
/// A file of the folder that cannot be loaded is left out with a warning; one that CAFFE_PLUGINS
/// names throws Error.
void LoadDefaultPlugins();

/// The folder that LoadDefaultPlugins looks into.
std::string PluginFolder();

namespace plugins {

/// For the registries. Registration happens in static initialisers, which must not throw while a
/// library is being loaded: keeps the message for LoadPlugin to throw and returns true; false, and
/// nothing kept, where no plug-in is being loaded.
bool KeepRegistrationError(const std::string& message);

}  // namespace plugins

}  // namespace caffe

#endif  // CAFFE_UTIL_PLUGINS_HPP_
