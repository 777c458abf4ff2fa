"""For each rule what is nearly its sin, on virtual time: no finding, or none that is wrong."""
