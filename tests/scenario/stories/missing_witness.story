story: A node starts without its witness file: it waits for all peers before it begins anything
about: start: the gate
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
crash care
restart care without witness
expect care is gate
settle s2 10.00 of li at care
expect s2 refused GATE
restart east
expect care is open
settle s3 10.00 of li at care
expect s3 paid by wang 10.00
expect wang has 420.00
