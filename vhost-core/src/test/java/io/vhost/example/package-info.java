/**
 * Programs that use the library as an application does. They are compiled and run with the tests,
 * and quoted in the README.
 */
package io.vhost.example;
