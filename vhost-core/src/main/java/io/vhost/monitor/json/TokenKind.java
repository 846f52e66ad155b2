package io.vhost.monitor.json;

/** The sorts of words in JSON. */
enum TokenKind {
    /** Opens an object. */
    OBJECT_BEGIN,
    /** Closes an object. */
    OBJECT_END,
    /** Opens an array. */
    ARRAY_BEGIN,
    /** Closes an array. */
    ARRAY_END,
    /** Stands between key and value. */
    COLON,
    /** Stands between members or elements. */
    COMMA,
    /** A number without fraction or exponent. */
    INTEGER,
    /** Any other number. */
    FLOAT,
    /** Lower-case letters. */
    KEYWORD,
    /** A text in single or double quotes, with them. */
    STRING,
    /** What cannot begin or go on as a word. */
    STRAY
}
