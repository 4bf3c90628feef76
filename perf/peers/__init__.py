"""Other people's network mirrors, on the same two servers, measured in the same rounds."""
