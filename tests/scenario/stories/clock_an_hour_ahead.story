story: A node's clock is an hour ahead: it takes part in nothing new, the others see it, and put right it works
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east
restart east with clock +1h
expect alarm clock_skew at care
expect alarm clock_skew at home
settle s1 100.00 of li at care
expect s1 done
expect s1 explains unreachable
expect alarm clock_skew at east
crash east
restart east
wait 2s
settle s2 50.00 of li at care
expect s2 paid by wang 50.00
expect wang has 450.00
