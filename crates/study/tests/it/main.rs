//! Tests of the public interface.
#![expect(missing_docs, reason = "tests")]
