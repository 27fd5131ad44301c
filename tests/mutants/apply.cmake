# cmake -DMUTANT=file.cmake -DSOURCE_DIR=… -DRESULT=file -P apply.cmake
#
# Copies the mutant's source with its texts replaced. A text must stand there exactly once: a mutant
# whose source has changed fails the build here, and is to be thought about again.
include(${MUTANT})
file(READ ${SOURCE_DIR}/${source} text)
foreach(n "" 2)
  if(DEFINED old${n})
    string(FIND "${text}" "${old${n}}" first)
    string(FIND "${text}" "${old${n}}" last REVERSE)
    if(first EQUAL -1 OR NOT first EQUAL last)
      message(FATAL_ERROR "${MUTANT}: this does not stand exactly once in ${source}:\n${old${n}}")
    endif()
    string(REPLACE "${old${n}}" "${new${n}}" text "${text}")
  endif()
endforeach()
file(WRITE ${RESULT} "${text}")
