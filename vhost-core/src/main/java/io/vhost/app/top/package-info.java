/** The command {@code top}: asks a monitor once a second, and makes a {@code TopTable} of two answers. */
package io.vhost.app.top;
