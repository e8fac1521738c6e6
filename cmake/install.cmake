# libstemma: all rooms but cli in one static library, with its headers, for pkg-config and CMake.
include(CMakePackageConfigHelpers)

add_library(libstemma STATIC ${STEMMA_OBJECTS})
set_target_properties(libstemma PROPERTIES OUTPUT_NAME stemma EXPORT_NAME stemma)
target_include_directories(libstemma INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(libstemma PRIVATE PkgConfig::ZSTD PkgConfig::XXHASH ${CMAKE_DL_LIBS} m)
add_library(stemma::stemma ALIAS libstemma)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/stemma)
install(TARGETS libstemma EXPORT stemmaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/stemma DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT stemmaTargets NAMESPACE stemma:: DESTINATION ${package_dir})

configure_package_config_file(cmake/stemmaConfig.cmake.in stemmaConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(stemmaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/stemmaConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/stemmaConfigVersion.cmake DESTINATION ${package_dir})

# stemma.pc is written at install time, when the prefix is known (cmake --install --prefix).
install(CODE "
  set(PROJECT_VERSION \"${PROJECT_VERSION}\")
  set(CMAKE_INSTALL_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
  set(CMAKE_INSTALL_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
  get_filename_component(CMAKE_INSTALL_PREFIX \"\${CMAKE_INSTALL_PREFIX}\" ABSOLUTE)
  set(pc \"${CMAKE_CURRENT_BINARY_DIR}/stemma.pc\")
  configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/cmake/stemma.pc.in\" \"\${pc}\" @ONLY)
  file(INSTALL \"\${pc}\"
    DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig\")
")
