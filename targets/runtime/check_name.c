/* Check a name: UTF-8 without a character that a terminal or a report could take for a command. */
#include "check.h"

/* Controls, format characters (the direction of text among them), spaces other than U+0020, surrogates, private
 * use, and what is no character. reds.pack.validate.name has the same. */
static const uint32_t unprintable[][2] = {
    {0x0, 0x1f},        {0x7f, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},
    {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},
    {0xd800, 0xf8ff},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}, {0xf0000, UINT32_MAX},
};

static bool printable(uint32_t character)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof *unprintable; i++) {
        if (character >= unprintable[i][0] && character <= unprintable[i][1]) {
            return false;
        }
    }
    return true;
}

/* Return the bytes of the printable character at the start of a text that ends in a zero, or 0 for others. */
static uint32_t character_bytes(const uint8_t *text)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000}; /* of each length; less is no UTF-8 */
    uint32_t more = text[0] < 0x80 ? 0 : text[0] < 0xe0 ? 1 : text[0] < 0xf0 ? 2 : 3;
    uint32_t character = more == 0 ? text[0] : text[0] & (0x3fu >> more);
    if (more > 0 && (text[0] < 0xc0 || text[0] > 0xf7)) {
        return 0;
    }
    for (uint32_t i = 1; i <= more; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        character = character << 6 | (text[i] & 0x3f);
    }
    return character >= least[more] && printable(character) ? more + 1 : 0;
}

bool reds_is_name(const char *field, size_t size)
{
    const uint8_t *text = (const uint8_t *)field;
    if (text[0] == 0 || text[size - 1] != 0) {
        return false;
    }
    size_t at = 0;
    while (text[at] != 0) {
        uint32_t bytes = character_bytes(text + at);
        if (bytes == 0) {
            return false;
        }
        at += bytes;
    }
    while (at < size && text[at] == 0) {
        at++;
    }
    return at == size;
}
