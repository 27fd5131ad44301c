# libenjoin, what hosts link with, and its package:
#
#   enjoin::enjoin         libenjoin.so
#   enjoin::enjoin_static  libenjoin.a
#
# While the version is 0.x each minor one may break the ABI, so the soname has both numbers.
include(CMakePackageConfigHelpers)
set(layers $<TARGET_OBJECTS:enjoin_ipc> $<TARGET_OBJECTS:enjoin_worker_core>
           $<TARGET_OBJECTS:enjoin_host>)
add_library(enjoin_shared SHARED ${layers})
add_library(enjoin_static STATIC ${layers})
set_target_properties(enjoin_shared enjoin_static PROPERTIES OUTPUT_NAME enjoin
                      LINKER_LANGUAGE CXX)
set_target_properties(enjoin_shared PROPERTIES EXPORT_NAME enjoin VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map)
target_link_options(enjoin_shared PRIVATE
  -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map
  -Wl,--gc-sections)  # of the worker only what exported functions use stays in it
if(ENJOIN_SANITIZE)
  target_link_options(enjoin_shared PRIVATE -fsanitize=${ENJOIN_SANITIZE})
else()
  target_link_options(enjoin_shared PRIVATE -Wl,-z,defs)
endif()
target_link_libraries(enjoin_shared PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
target_link_libraries(enjoin_static PUBLIC Threads::Threads ${CMAKE_DL_LIBS})
foreach(library enjoin_shared enjoin_static)
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
add_library(enjoin::enjoin ALIAS enjoin_shared)
add_library(enjoin::enjoin_static ALIAS enjoin_static)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/enjoin)
install(TARGETS enjoin_shared enjoin_static EXPORT enjoin
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/enjoin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(EXPORT enjoin NAMESPACE enjoin:: FILE enjoin-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/enjoin-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/enjoin-config.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(enjoin-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/enjoin-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/enjoin-config-version.cmake DESTINATION ${package_folder})

# pkg-config. Its prefix is where the file lies, so that an installed tree may be moved.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/enjoin.pc.in enjoin.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/enjoin.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
