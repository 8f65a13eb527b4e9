story: A relation that was ended can be made again; the old one stays ended
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

unbind u1 of wang_li by the payer
expect u1 done
expect binding wang_li ended at home
bind b2 wang pays for li at care
expect b2 done
expect binding wang_li ended at east
expect binding b2 active at east
settle s1 100.00 of li at care
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
