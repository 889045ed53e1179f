"""Made-up skills for the scanner: malicious ones by category, and benign ones that look like them."""
