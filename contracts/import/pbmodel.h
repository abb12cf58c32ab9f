#ifndef WEFT_CONTRACTS_IMPORT_PBMODEL_H
#define WEFT_CONTRACTS_IMPORT_PBMODEL_H

/* pbmodel - what a .proto file says, before it becomes facts.
 *
 * Messages, enums and extensions of all depths stand in one list of their file; `parent` is the
 * message around them.  Full names have no leading dot.
 *
 * Lifetime: everything lives in one arena. */
#include "base/diag.h"

struct pbmodel_option {
    struct pbmodel_option *next;
    struct slice name; /* "java_package", "features.field_presence", "features.(pb.cpp).string_type" */
    struct slice value;
};

struct pbmodel_range {
    struct pbmodel_range *next;
    int64_t from, to; /* both are in it */
};

struct pbmodel_name {
    struct pbmodel_name *next;
    struct slice name;
};

struct pbmodel_place {
    unsigned line, column;
};

enum pbmodel_label { PBMODEL_PLAIN, PBMODEL_OPTIONAL, PBMODEL_REQUIRED, PBMODEL_REPEATED };

struct pbmodel_message;

struct pbmodel_field {
    struct pbmodel_field *next;
    struct pbmodel_message *parent; /* of an extension: around the extend block, or NULL */
    struct slice name;              /* an extension's is full */
    struct slice type;              /* as written; of a map its values' */
    struct slice key;               /* of a map, else empty */
    struct slice extendee, oneof;
    enum pbmodel_label label;
    bool group;
    int64_t number;
    struct pbmodel_option *options;
    struct pbmodel_place at;
};

struct pbmodel_message {
    struct pbmodel_message *next, *parent;
    struct slice name;
    struct pbmodel_field *fields;
    struct pbmodel_name *oneofs;
    struct pbmodel_range *reserved, *extensions;
    struct pbmodel_name *reserved_names;
    struct pbmodel_option *options;
    struct pbmodel_place at;
};

struct pbmodel_value {
    struct pbmodel_value *next;
    struct slice name;
    int64_t number;
    struct pbmodel_place at;
};

struct pbmodel_enum {
    struct pbmodel_enum *next;
    struct pbmodel_message *parent;
    struct slice name;
    struct pbmodel_value *values;
    struct pbmodel_range *reserved;
    struct pbmodel_name *reserved_names;
    struct pbmodel_option *options;
    struct pbmodel_place at;
};

struct pbmodel_method {
    struct pbmodel_method *next;
    struct slice name, request, response;
    bool client_stream, server_stream;
    struct pbmodel_option *options;
    struct pbmodel_place at;
};

struct pbmodel_service {
    struct pbmodel_service *next;
    struct slice name;
    struct pbmodel_method *methods;
    struct pbmodel_place at;
};

struct pbmodel_file {
    struct pbmodel_file *next;
    struct slice name; /* what files are told apart by */
    const char *path;  /* where it stands */
    struct slice package;
    struct slice syntax; /* "proto2", "proto3", "2023" ... */
    struct pbmodel_name *imports;
    struct pbmodel_message *messages;
    struct pbmodel_enum *enums;
    struct pbmodel_field *extensions;
    struct pbmodel_service *services;
    struct pbmodel_option *options;
};

/* Full names are no longer than this, so that what they multiply stays small. */
enum { PBMODEL_NAME = 1024 };

/* Lists stand in no order: facts are sorted. */
#define PBMODEL_PUT(list, item) \
    do {                        \
        (item)->next = *(list); \
        *(list) = (item);       \
    } while (0)

#endif
