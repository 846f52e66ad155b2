/** The operating system. */
package io.vhost.os;
