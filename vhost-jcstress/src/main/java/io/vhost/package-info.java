/** Stress tests. */
package io.vhost;
