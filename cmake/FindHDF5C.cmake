# HDF5's C library and its "high level" part as target HDF5::C.
find_path(HDF5_INCLUDE_DIR hdf5.h PATH_SUFFIXES hdf5/serial)
find_library(HDF5_LIBRARY NAMES hdf5_serial hdf5 PATH_SUFFIXES hdf5/serial)
find_library(HDF5_HL_LIBRARY NAMES hdf5_serial_hl hdf5_hl PATH_SUFFIXES hdf5/serial)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(HDF5C REQUIRED_VARS HDF5_INCLUDE_DIR HDF5_LIBRARY
                                  HDF5_HL_LIBRARY)
if(HDF5C_FOUND AND NOT TARGET HDF5::C)
  add_library(HDF5::C INTERFACE IMPORTED GLOBAL)
  set_target_properties(HDF5::C PROPERTIES
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${HDF5_INCLUDE_DIR}
    INTERFACE_INCLUDE_DIRECTORIES ${HDF5_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "${HDF5_HL_LIBRARY};${HDF5_LIBRARY}")
endif()
