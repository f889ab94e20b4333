# SPDX-License-Identifier: Apache-2.0
# Where the package puts things. The two programs lie beside each other so that one finds the other.
include(GNUInstallDirs)
if(TARGET modelyard AND TARGET modelyard-runner)
  install(TARGETS modelyard modelyard-runner RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/modelyard)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/config/ DESTINATION ${CMAKE_INSTALL_DATADIR}/modelyard/config)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples/ DESTINATION ${CMAKE_INSTALL_DATADIR}/modelyard/examples USE_SOURCE_PERMISSIONS)
  install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/NOTICE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/docs/api.md
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/modelyard)
  install(FILES ${CMAKE_SOURCE_DIR}/packaging/systemd/modelyard.service DESTINATION lib/systemd/system)
endif()
