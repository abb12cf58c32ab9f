/* embed - text files as a C array: embed NAME OUT.c OUT.h FILE... */
#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int put_file(FILE *c, size_t n, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        return 1;
    }
    fprintf(c, "static const char text_%zu[] = {\n", n);
    int column = 0;
    for (int ch = fgetc(in); ch != EOF; ch = fgetc(in))
        fprintf(c, "%d,%s", ch > 127 ? ch - 256 : ch, ++column % 24 ? "" : "\n");
    fprintf(c, "0};\n");
    fclose(in);
    return 0;
}

static int put_header(const char *name, const char *path)
{
    FILE *h = fopen(path, "w");
    if (!h) {
        perror(path);
        return 1;
    }
    fprintf(h, "#ifndef EMBED_%s_H\n#define EMBED_%s_H\n#include \"base/slice.h\"\n", name, name);
    fprintf(h, "struct %s {\n    const char *file;\n    struct slice text;\n};\n", name);
    fprintf(h, "extern const struct %s %s_files[];\nextern const size_t %s_count;\n#endif\n", name, name, name);
    return fclose(h) != 0;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: embed NAME OUT.c OUT.h FILE...\n");
        return 2;
    }
    const char *name = argv[1];
    FILE *c = fopen(argv[2], "w");
    if (!c) {
        perror(argv[2]);
        return 1;
    }
    fprintf(c, "#include \"%s\"\n", base_name(argv[3]));
    size_t count = (size_t)argc - 4;
    for (size_t i = 0; i < count; i++)
        if (put_file(c, i, argv[i + 4]) != 0)
            return 1;
    fprintf(c, "const struct %s %s_files[] = {\n", name, name);
    for (size_t i = 0; i < count; i++)
        fprintf(c, "    {\"%s\", {text_%zu, sizeof(text_%zu) - 1}},\n", base_name(argv[i + 4]), i, i);
    fprintf(c, "};\nconst size_t %s_count = %zu;\n", name, count);
    return fclose(c) != 0 || put_header(name, argv[3]) != 0;
}
