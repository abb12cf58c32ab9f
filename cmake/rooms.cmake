# The words the folders' CMakeLists.txt are written in.
find_package(PkgConfig REQUIRED)

# weft_room(NAME SOURCES a.c b.c USES weft_base ... LIBRARIES pkg-config names): one static library per folder.
function(weft_room name)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
    add_library(weft_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(weft_${name} PUBLIC ${ARG_USES})
    foreach(lib ${ARG_LIBRARIES})
        string(MAKE_C_IDENTIFIER PC_${lib} pc)
        pkg_check_modules(${pc} QUIET IMPORTED_TARGET GLOBAL ${lib})
        if(${pc}_FOUND)
            target_link_libraries(weft_${name} PUBLIC PkgConfig::${pc})
        else()
            # libev and LMDB ship no .pc file in every release of Debian.
            string(REGEX REPLACE "^lib" "" short ${lib})
            find_library(${pc}_PATH NAMES ${short} REQUIRED)
            target_link_libraries(weft_${name} PUBLIC ${${pc}_PATH})
        endif()
    endforeach()
endfunction()

# weft_embed(NAME files...): the files' text inside the room weft_NAME, as rules_NAME[] of rules_NAME.h.
function(weft_embed name)
    set(dir ${CMAKE_BINARY_DIR}/embed)
    set(out ${dir}/rules_${name})
    set(files)
    foreach(f ${ARGN})
        list(APPEND files ${CMAKE_CURRENT_SOURCE_DIR}/${f})
    endforeach()
    add_custom_command(OUTPUT ${out}.c ${out}.h
        COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
        COMMAND weft_embed_tool rules_${name} ${out}.c ${out}.h ${files}
        DEPENDS weft_embed_tool ${files} VERBATIM)
    target_sources(weft_${name} PRIVATE ${out}.c ${out}.h)
    target_include_directories(weft_${name} PUBLIC ${dir})
endfunction()

# weft_test(ROOM stem...): tests/unit/ROOM/<stem>_test.c, linked with its room and the floors below only.
function(weft_test room)
    foreach(stem ${ARGN})
        weft_test_program(${stem}_test ${CMAKE_SOURCE_DIR}/tests/unit/${room}/${stem}_test.c USES weft_${room})
    endforeach()
endfunction()

# weft_test_program(NAME sources... USES libraries [LABEL word]): any other cmocka program.
function(weft_test_program name)
    cmake_parse_arguments(ARG "" "LABEL" "USES" ${ARGN})
    add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
    target_link_libraries(${name} PRIVATE weft_kit ${ARG_USES} cmocka)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 120)
    if(ARG_LABEL)
        set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL})
    endif()
endfunction()

# weft_fuzz(ROOM stem...): tests/fuzz/<stem>_fuzz.c; its corpus replays as a test, WEFT_FUZZ makes it a fuzzer.
function(weft_fuzz room)
    foreach(stem ${ARGN})
        if(WEFT_FUZZ)
            add_executable(${stem}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/${stem}_fuzz.c)
            target_link_options(${stem}_fuzz PRIVATE -fsanitize=fuzzer)
        else()
            add_executable(${stem}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/${stem}_fuzz.c
                           ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
            add_test(NAME ${stem}_fuzz COMMAND ${stem}_fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${stem})
            set_tests_properties(${stem}_fuzz PROPERTIES TIMEOUT 120)
        endif()
        target_link_libraries(${stem}_fuzz PRIVATE weft_${room})
    endforeach()
endfunction()
