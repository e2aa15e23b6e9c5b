# The commands of pyproject.toml, which pip makes itself; those of an installed tree find its packages.
file(RELATIVE_PATH PYTHON_FROM_BIN /${DEST_BIN} /${DEST_PYTHON})
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../pyproject.toml scripts
     REGEX "^[a-z_]+ = \"[a-z_.]+:main\"$")
foreach(script IN LISTS scripts)
  string(REGEX MATCH "^([a-z_]+) = \"([a-z_.]+):main" script "${script}")
  set(COMMAND ${CMAKE_MATCH_1})
  set(MODULE ${CMAKE_MATCH_2})
  configure_file(${CMAKE_CURRENT_LIST_DIR}/command.in ${CMAKE_CURRENT_BINARY_DIR}/${COMMAND} @ONLY)
  install(PROGRAMS ${CMAKE_CURRENT_BINARY_DIR}/${COMMAND} DESTINATION ${DEST_BIN})
endforeach()
