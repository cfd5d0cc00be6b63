"""What pages show: values of the domain in words, colours and shapes."""
