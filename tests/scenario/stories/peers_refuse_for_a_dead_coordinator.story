story: The coordinator is gone for good after one PREPARE: the participant that never heard of it refuses, and the other is free
about: doubt: another participant refuses
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care after sending core
settle s1 100.00 of li at care
expect care is down
expect s1 PREPARED at home
expect s1 ABORTED at home within 2m
expect s1 REFUSED at east
expect li can spend 30.00
end without care
