# How everything is compiled: strict C11, hardened, and optionally with sanitizers.
option(WEFT_TESTS "build the tests and benches" ON)
option(WEFT_SANITIZE "build with ASan and UBSan" OFF)
option(WEFT_FUZZ "build fuzz targets with libFuzzer (clang only)" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_compile_definitions(_GNU_SOURCE WEFT_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
                    -fno-strict-aliasing -fstack-protector-strong -fvisibility=hidden)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -pie)
include_directories(${CMAKE_SOURCE_DIR})

if(WEFT_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=address,undefined)
else()
    add_compile_options($<$<CONFIG:Release,RelWithDebInfo>:-O2> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2> -ffunction-sections)
    add_link_options(-Wl,--gc-sections -Wl,--as-needed)
    # Structs are cleared by plain stores.  The "rep stos" that gcc prefers is slow to begin, and whoever reads what lies
    # beside it waits for its end: two or three percent of a request.
    include(CheckCCompilerFlag)
    set(WEFT_CLEARING -mmemset-strategy=vector_loop:256:noalign,libcall:-1:noalign)
    check_c_compiler_flag(${WEFT_CLEARING} WEFT_CAN_CHOOSE_CLEARING)
    if(WEFT_CAN_CHOOSE_CLEARING)
        add_compile_options(${WEFT_CLEARING})
    endif()
endif()
if(WEFT_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
