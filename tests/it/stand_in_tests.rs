//! The stand-in of an API server, held against the real kubectl.
