"""The execution protocol as a finite model: every order of events, every fault at every moment, within small bounds."""
